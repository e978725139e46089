// The demonstration page: polls its state once a second and has each pane draw what changed.

import { $, discussionPath, el, lang, t, trouble, whenDone } from "./core.js";
import * as group from "./group.js";
import * as mail from "./mail.js";

const POLL_MS = 1000;
const POLL_AFTER_TROUBLE_MS = 3000;

let state = null, version = "", shownLink = "", pinned = false, seenLines = 0, seenDiscussions = 0, timer = 0;

async function poll() {
  clearTimeout(timer);
  let pause = POLL_MS;
  try {
    const answer = await fetch(`/demo/api/state?since=${encodeURIComponent(version)}`, { cache: "no-store" });
    if (answer.status === 200) {
      state = await answer.json();
      version = state.version;
      draw();
    }
    if ($("trouble").textContent === t("trouble_server")) trouble("");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    trouble(t("trouble_server"));
    pause = POLL_AFTER_TROUBLE_MS;
  } finally {
    clearTimeout(timer);
    timer = setTimeout(poll, pause);
  }
}

// ---- the product's page

/** Discussions in the order in which links to them turned up, the newest last. */
function discussions() {
  const found = new Map();
  const walk = (value, at) => {
    if (typeof value === "string") {
      for (const match of value.matchAll(/(?:https?:\/\/[^\s/]+)?\/d\/(\d+)[^\s<>"「」）)]*/g)) {
        if (!found.has(match[1])) found.set(match[1], { number: match[1], path: discussionPath(match[0]) ?? `/d/${match[1]}`, at });
      }
    } else if (value && typeof value === "object") Object.values(value).forEach((v) => walk(v, at));
  };
  state.lines.filter((l) => l.by === "bot").forEach((l) => walk(l.content, l.at));
  state.mails.filter((m) => !m.sent).forEach((m) => walk(m.text, m.at));
  return [...found.values()].sort((a, b) => a.at - b.at || a.number - b.number);
}
function show(path, byHand) {
  if (byHand) {
    $("follow").checked = false;
    pinned = true;
    tab("page");
  }
  $("page-empty").hidden = true;
  $("frame").hidden = $("open").hidden = false;
  $("open").href = path;
  if (path !== shownLink || byHand) $("frame").src = path;
  shownLink = path;
  const number = path.match(/\d+/)[0];
  if ([...$("numbers").options].some((o) => o.value === number)) $("numbers").value = number;
}
function drawPage() {
  const known = discussions();
  const picker = $("numbers");
  picker.hidden = known.length === 0;
  if (picker.options.length !== known.length) {
    picker.replaceChildren(...known.map((d) => el("option", { value: d.number }, `#${d.number}`)));
    if (shownLink) picker.value = shownLink.match(/\d+/)[0];
  }
  if (known.length && (!pinned || $("follow").checked)) show(known.at(-1).path, false);
}

// ---- all of it

function drawBadges() {
  const set = (name, count) => {
    const badge = document.querySelector(`[data-badge="${name}"]`);
    badge.textContent = count;
    badge.hidden = count <= 0;
  };
  const now = document.body.dataset.tab, known = discussions().length;
  if (now === "line" || !seenLines) seenLines = state.lines.length;
  if (now === "page") seenDiscussions = known;
  set("line", state.lines.length - seenLines);
  set("mail", mail.unread());
  set("page", known - seenDiscussions);
}
function tab(name) {
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll("[data-tab-of]")) button.setAttribute("aria-pressed", String(button.dataset.tabOf === name));
  if (!state) return;
  drawBadges();
  if (name === "line") group.scrollToEnd();
  if (name === "mail") mail.draw(state);
}
function draw() {
  group.draw(state);
  mail.draw(state);
  drawPage();
  drawBadges();
}

whenDone(poll);
group.start((path) => show(path, true));
mail.start(drawBadges);
$("follow").addEventListener("change", () => { pinned = !$("follow").checked; if (state) drawPage(); });
$("numbers").addEventListener("change", (event) => show(discussions().find((d) => d.number === event.target.value).path, true));
for (const button of document.querySelectorAll("[data-tab-of]")) button.addEventListener("click", () => tab(button.dataset.tabOf));
for (const a of document.querySelectorAll(".langs a")) if (a.lang === lang) a.setAttribute("aria-current", "true");
poll();
