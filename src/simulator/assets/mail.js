// The mailboxes of the people who have one.

import { $, call, clockOf, el, t } from "./core.js";
import { withLinks } from "./group.js";

const read = new Set();
let state = null, mailbox = "", opened = null, changed = () => {};

const mails = () => state.mails.filter((m) => (m.sent ? m.from.address === mailbox : m.to.includes(mailbox)));
export const unread = () => state.mails.filter((m) => !m.sent && !read.has(m.id)).length;

function drawList() {
  const items = mails().map((m) => {
    const made = el("button", { type: "button", class: m.sent || read.has(m.id) ? "" : "unread", "aria-current": String(m.id === opened), onclick: () => open(m.id) },
      el("span", { class: "from" }, m.sent ? el("span", { class: "out" }, t("mail_sent")) : "", m.sent ? m.to.join(", ") : m.from.name || m.from.address),
      el("time", { datetime: new Date(m.at).toISOString() }, clockOf(m.at)),
      el("span", { class: "subject" }, m.subject || t("mail_no_subject")));
    return el("li", {}, made);
  });
  $("mail-list").replaceChildren(...items);
}
function open(id) {
  opened = id;
  read.add(id);
  drawList();
  changed();
  const mail = state.mails.find((m) => m.id === id);
  if (!mail) return;
  const text = el("div", { class: "mail-text" }, ...withLinks(mail.text));
  const parts = [
    el("h3", {}, mail.subject || t("mail_no_subject")),
    el("p", { class: "mail-head" }, el("b", {}, mail.from.name || mail.from.address), ` <${mail.from.address}> → ${mail.to.join(", ")} · ${clockOf(mail.at)}`),
  ];
  let shown = text;
  if (mail.html) {
    const choose = (html) => {
      const frame = el("iframe", { class: "mail-html", sandbox: "", title: mail.subject, src: `/demo/api/mail/${encodeURIComponent(mail.id)}/html` });
      const next = html ? frame : text;
      shown.replaceWith(next);
      shown = next;
      buttons.forEach((b, index) => b.setAttribute("aria-pressed", String(index === (html ? 1 : 0))));
    };
    const buttons = [false, true].map((html) => el("button", { type: "button", "aria-pressed": String(!html), onclick: () => choose(html) }, t(html ? "mail_html" : "mail_text")));
    parts.push(el("div", { class: "formats" }, ...buttons));
  }
  parts.push(text);
  if (mail.attachments.length) parts.push(el("p", { class: "mail-head" }, t("mail_attachments", { names: mail.attachments.join("、") })));
  if (!mail.sent) parts.push(form(mail));
  $("mail-view").replaceChildren(...parts);
  $("mail-view").scrollTop = 0;
}
function form(answered) {
  const subject = el("input", { name: "subject", required: true, maxlength: "200" });
  const body = el("textarea", { name: "text", rows: answered ? "4" : "8", required: true, maxlength: "20000" });
  const from = mailbox;
  const submit = el("button", {}, t("mail_send"));
  const made = el("form", { class: "mail-form", autocomplete: "off" },
    answered ? "" : el("label", {}, t("mail_to"), el("input", { value: state.support_address, disabled: true })),
    answered ? "" : el("label", {}, t("mail_subject"), subject),
    el("label", {}, answered ? t("mail_answer") : t("mail_body"), body),
    answered ? el("small", {}, t("mail_answer_hint", { address: answered.reply_to })) : "",
    submit);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!body.value.trim()) return;
    submit.disabled = true;
    submit.textContent = t("mail_sending");
    const told = await call("mail", { from, answer_to: answered?.id ?? null, subject: subject.value, text: body.value });
    submit.disabled = false;
    submit.textContent = t("mail_send");
    if (!told) return;
    body.value = "";
    opened = null;
    $("mail-view").replaceChildren(el("p", { class: "empty" }, t("mail_sent")));
  });
  return made;
}

/** Draws what changed. */
export function draw(next) {
  state = next;
  const owners = state.people.filter((p) => p.address);
  if (!mailbox) mailbox = state.staff_address;
  const picker = $("mailbox");
  if (picker.options.length !== owners.length) {
    picker.replaceChildren(...owners.map((p) => el("option", { value: p.address }, p.name)));
    picker.value = mailbox;
  }
  drawList();
  // Opening means reading: not while the pane is behind another tab, and not over a mail that is being written.
  const isSeen = $("mail-view").offsetParent !== null;
  const newest = mails().find((m) => !m.sent && !read.has(m.id)) ?? mails()[0];
  if (!opened && newest && isSeen && $("mail-view").querySelector("form") === null) open(newest.id);
}

/** Makes the pane work; `onchange` is called when a mail was read. */
export function start(onchange) {
  changed = onchange;
  $("mailbox").addEventListener("change", (event) => {
    mailbox = event.target.value;
    opened = null;
    $("mail-view").replaceChildren(el("p", { class: "empty" }, t("mail_empty")));
    draw(state);
  });
  $("write").addEventListener("click", () => {
    opened = null;
    drawList();
    $("mail-view").replaceChildren(el("h3", {}, t("write_mail")), form(null));
    $("mail-view").querySelector("[name=subject]").focus();
  });
}
