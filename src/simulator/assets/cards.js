// Every card of the bot's, drawn as in the group.

import { $, el, lang, t, trouble } from "./core.js";
import { flex, template } from "./flex.js";

function draw({ name, message, violations }) {
  const told = (action) => { $("tapped").textContent = `${action.label ?? ""} → ${action.uri ?? action.data ?? action.text ?? ""}`; };
  const chips = (message.quickReply?.items ?? []).map((i) => el("button", { type: "button", onclick: () => told(i.action) }, i.action?.label ?? ""));
  const shown = message.type === "flex" ? flex(message, told) : message.type === "template" ? template(message, told) : el("div", { class: "bubble" }, message.text ?? message.type);
  return el("section", { class: "sample" },
    el("h2", {}, t(`card_${name}`)),
    el("div", { class: "stage" }, shown, chips.length ? el("div", { class: "quick" }, ...chips) : ""),
    el("p", { class: "alt" }, el("b", {}, t("cards_alt")), message.altText ?? message.text ?? ""),
    ...violations.map((v) => el("p", { class: "violation" }, `${v.property}: ${v.message}`)));
}

for (const a of document.querySelectorAll(".langs a")) if (a.lang === lang) a.setAttribute("aria-current", "true");
try {
  const answer = await fetch(`/demo/api/cards?lang=${encodeURIComponent(lang)}`, { cache: "no-store" });
  $("samples").replaceChildren(...(await answer.json()).map(draw));
} catch {
  trouble(t("trouble_server"));
}
