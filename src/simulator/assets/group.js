// The LINE group: what its members see, and what one of them does.

import { $, call, clockOf, dayOf, discussionPath, el, svg, t, trouble } from "./core.js";
import { flex, template } from "./flex.js";

const UPLOAD_BYTES_MAX = 10 * 1024 * 1024;
const PICTURES_AT_ONCE_MAX = 20;
const LINES_SHOWN_MAX = 300;
/** Keyword, colour, eyes and mouth (paths in a 100 × 100 square) of the stickers; LINE's own may not be shown outside LINE. */
const STICKERS = [
  ["ok", "#8ed16f", "M34 44v8M66 44v8", "M34 62q16 14 32 0"],
  ["thanks", "#ffc861", "M28 50q6-8 12 0M60 50q6-8 12 0", "M40 63q10 8 20 0"],
  ["good", "#7cc4ea", "M34 44v8M66 44v8", "M34 60h32q-4 16-16 16t-16-16z"],
  ["laugh", "#ffa98f", "M28 44l10 6-10 6M72 44l-10 6 10 6", "M32 60h36q-4 18-18 18t-18-18z"],
  ["please", "#c9a7eb", "M30 46q4-5 8 0t-4 9zM62 46q4-5 8 0t-4 9z", "M42 66q8-6 16 0"],
  ["wait", "#b9c4c8", "M30 48h10M60 48h10", "M40 66h20"],
];

const lines = new Map();
let state = null, who = "", mode = null, lastLine = null, openPage = () => {};

const nameOf = (user) => state.people.find((p) => p.user === user)?.name ?? state.names[user] ?? "？";
const personOf = (user) => state.people.find((p) => p.user === user);

function kindWord(content) {
  return t({ image: "kind_image", video: "kind_video", audio: "kind_audio", file: "kind_file", sticker: "kind_sticker", location: "kind_location", flex: "kind_flex", template: "kind_flex" }[content.type] ?? "kind_other");
}
function inShort(content) {
  return content.text ?? content.altText ?? content.fileName ?? kindWord(content);
}
function speakerName(line) {
  if (line.by === "bot") return line.content.sender?.name ?? state.bot;
  return line.user ? nameOf(line.user) : "？";
}
/** A picture, or the first letter on a colour of one's own. */
function face(name, picture, place) {
  if (picture) return el("img", { class: "avatar", src: picture, alt: "" });
  return el("span", { class: `avatar c${place < 0 ? 4 : place % 5}`, "aria-hidden": "true" }, [...name][0]);
}
function avatar(line) {
  if (line.by === "bot") return el("span", { class: "avatar bot", "aria-hidden": "true" }, "牽");
  return face(speakerName(line), personOf(line.user)?.picture, state.people.findIndex((p) => p.user === line.user));
}

function link(uri, label) {
  const path = discussionPath(uri);
  const href = path ?? (/^(https?|tel):/i.test(uri) ? uri : "#");
  const made = el("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
  if (path) made.addEventListener("click", (event) => { event.preventDefault(); openPage(path); });
  return made;
}
/** Text with its links made links. */
export function withLinks(text) {
  const out = [];
  let rest = text;
  for (let found; (found = /https?:\/\/[^\s<>"「」）)]+/u.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    out.push(rest.slice(0, found.index), link(found[0], found[0]));
  }
  return [...out, rest];
}
/** A person's text with its mentions marked: offsets are UTF-16 units, as JavaScript's are. */
function withMentions(content) {
  const out = [];
  let at = 0;
  for (const one of [...(content.mention?.mentionees ?? [])].sort((a, b) => a.index - b.index)) {
    out.push(...withLinks(content.text.slice(at, one.index)), el("span", { class: "at" }, content.text.slice(one.index, one.index + one.length)));
    at = one.index + one.length;
  }
  return [...out, ...withLinks(content.text.slice(at))];
}
/** A text of the bot's whose places stand for mentions and emoji. */
function filledIn(content) {
  const out = [];
  let at = 0;
  for (const found of content.text.matchAll(/\{\{|\}\}|\{(\w+)\}/g)) {
    out.push(...withLinks(content.text.slice(at, found.index)));
    at = found.index + found[0].length;
    const put = content.substitution?.[found[1]];
    if (found[0] === "{{" || found[0] === "}}") out.push(found[0][0]);
    else if (put?.type === "mention") out.push(el("span", { class: "at" }, `@${put.mentionee?.type === "all" ? "All" : nameOf(put.mentionee?.userId)}`));
  }
  return [...out, ...withLinks(content.text.slice(at))];
}

/** Does what a button of the message `id` says. */
function act(id, action) {
  if (!action) return;
  switch (action.type) {
    case "uri": {
      const path = discussionPath(action.uri);
      if (path) openPage(path);
      else if (/^https?:/i.test(action.uri)) window.open(action.uri, "_blank", "noopener");
      break;
    }
    case "datetimepicker":
      return pickTime(id, action);
    case "clipboard":
      navigator.clipboard?.writeText(action.clipboardText ?? "");
      break;
    case "postback":
    case "message":
      call("tap", { who, message: id, action });
      if (action.fillInText !== undefined) {
        $("text").value = action.fillInText;
        grow();
      }
      if (action.inputOption === "openKeyboard" || action.fillInText !== undefined) $("text").focus();
  }
}
function pickTime(id, action) {
  const field = el("input", { type: action.mode === "datetime" ? "datetime-local" : action.mode, value: action.initial, min: action.min, max: action.max, required: true });
  const dialog = el("dialog", { class: "picker", "aria-label": action.label },
    el("form", { method: "dialog", onsubmit: () => { if (field.value) call("tap", { who, message: id, action, params: { [action.mode]: field.value } }); } },
      el("label", {}, action.label ?? "", field), el("button", { class: "send" }, t("confirm")), el("button", { type: "button", class: "plain", onclick: () => dialog.close() }, t("cancel"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function sticker([keyword, color, eyes, mouth]) {
  const drawing = svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" },
    svg("path", { d: "M50 12c28 0 42 17 42 42S76 94 50 94 8 79 8 54s14-42 42-42z", fill: color, stroke: "#fff", "stroke-width": "5" }),
    svg("path", { d: eyes, class: "ink" }), svg("path", { d: mouth, class: "ink", fill: mouth.endsWith("z") ? "#fff" : "none" }));
  return el("span", { class: "sticker" }, drawing, el("b", {}, t(`sticker_${keyword}`)));
}

/** The picture in full, with what its author can do with it. */
function enlarge(line) {
  const dialog = el("dialog", { class: "lightbox", "aria-label": t("kind_image") });
  const close = () => dialog.close();
  const buttons = [el("button", { type: "button", onclick: () => { close(); setMode({ quote: line.id }); } }, t("quote"))];
  if (line.user === who) buttons.push(el("button", { type: "button", onclick: () => { close(); call("unsend", { message: line.id }); } }, t("unsend")));
  buttons.push(el("button", { type: "button", autofocus: true, onclick: close }, t("close")));
  dialog.append(el("img", { src: line.file, alt: t("kind_image") }), el("p", {}, ...buttons));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
function picture(line) {
  return el("button", { type: "button", class: "picture", "aria-label": t("enlarge"), onclick: (event) => { event.stopPropagation(); enlarge(line); } },
    el("img", { src: line.file, alt: "", loading: "lazy" }));
}

function bodyOf(line, set) {
  const content = line.content;
  const quoted = line.quotes ? quotedOf(line.quotes) : null;
  const told = (action) => act(line.id, action);
  switch (content.type) {
    case "text":
      return el("div", { class: "bubble" }, quoted, ...withMentions(content));
    case "textV2":
      return el("div", { class: "bubble" }, quoted, ...filledIn(content));
    case "image":
      if (!line.file) return el("div", { class: "bubble" }, link(content.originalContentUrl ?? "", t("kind_image")));
      if (set.length > 1) return el("div", { class: `pictures of${set.length}` }, ...set.map(picture));
      return picture(line);
    case "sticker": {
      const drawn = sticker(STICKERS.find(([keyword]) => content.keywords?.includes(keyword)) ?? STICKERS[0]);
      return quoted ? el("div", { class: "stuck" }, el("div", { class: "bubble" }, quoted), drawn) : drawn;
    }
    case "file":
    case "video":
    case "audio":
      return el("div", { class: "bubble" }, el("a", { class: "file", href: line.file, download: content.fileName ?? true },
        el("span", {}, el("b", {}, content.fileName ?? kindWord(content)), el("small", {}, content.fileSize ? `${Math.max(1, Math.round(content.fileSize / 1024))} KB` : kindWord(content)))));
    case "location":
      return el("div", { class: "bubble" }, [content.title, content.address].filter(Boolean).join("\n"));
    case "flex":
      return flex(content, told);
    case "template":
      return template(content, told);
    default:
      return el("div", { class: "bubble" }, quoted, inShort(content));
  }
}
function quotedOf(id) {
  const original = state.lines.find((l) => l.id === id);
  const name = original && !original.retracted ? speakerName(original) : "";
  const words = !original ? "…" : original.retracted ? t("retracted", { name: speakerName(original) }) : inShort(original.content);
  const small = original?.file && original.content.type === "image" && !original.retracted ? el("img", { src: original.file, alt: "" }) : "";
  return el("button", { type: "button", class: "quoted", onclick: (event) => {
    event.stopPropagation();
    const there = [...lines.values()].find((l) => l.ids?.includes(id))?.node;
    there?.scrollIntoView({ block: "center" });
    there?.classList.add("flash");
    setTimeout(() => there?.classList.remove("flash"), 1300);
  } }, el("span", {}, el("b", {}, name), words), small);
}
function acts(line) {
  if (!line.id) return "";
  const buttons = [el("button", { type: "button", onclick: () => setMode({ quote: line.id }) }, t("quote"))];
  if (line.user && line.user === who) {
    if (line.content.type === "text") buttons.push(el("button", { type: "button", onclick: () => setMode({ edit: line.id }) }, t("edit")));
    buttons.push(el("button", { type: "button", onclick: () => call("unsend", { message: line.id }) }, t("unsend")));
  }
  return el("span", { class: "acts" }, ...buttons);
}
function drawLine(line, set) {
  if (line.by === "nobody") {
    const come = line.content.note === "join" || line.content.note === "memberJoined";
    return el("p", { class: "said-by-nobody" }, t(come ? "note_join" : "note_leave", { name: line.content.names.join("、") }));
  }
  if (line.retracted) return el("p", { class: "said-by-nobody" }, t("retracted", { name: speakerName(line) }));
  const own = line.user && line.user === who;
  const tag = line.by === "bot" ? t("bot_tag") : "";
  const name = el("p", { class: "name" }, speakerName(line), tag && el("span", { class: "tag" }, tag));
  const time = el("time", { datetime: new Date(line.at).toISOString() }, line.edited ? el("i", {}, t("edited")) : "", clockOf(line.at));
  const body = bodyOf(line, set);
  const wide = body.classList.contains("cards");
  body.addEventListener("click", (event) => event.currentTarget.closest(".said").classList.toggle("chosen"));
  return el("div", { class: `said${own ? " own" : ""}${wide ? " wide" : ""}` }, own ? "" : avatar(line),
    el("div", { class: "body" }, name, el("div", { class: "row" }, body, el("span", { class: "aside" }, acts(line), time))));
}
/** Pictures that were sent at once stand together, in their order, where the first of them came. */
function setsOf(shown) {
  const sets = new Map();
  for (const line of shown) {
    const set = line.content.imageSet;
    if (!set || line.retracted || !line.file) continue;
    const key = `${line.user} ${set.id}`;
    sets.set(key, [...(sets.get(key) ?? []), line].sort((a, b) => (a.content.imageSet.index ?? 0) - (b.content.imageSet.index ?? 0)));
  }
  return (line) => (line.content.imageSet && !line.retracted && line.file ? sets.get(`${line.user} ${line.content.imageSet.id}`) : [line]);
}
function drawLog() {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const shown = state.lines.slice(-LINES_SHOWN_MAX);
  const setOf = setsOf(shown);
  const wanted = new Set();
  let day = "", before = null;
  const place = (key, sign, ids, make) => {
    wanted.add(key);
    let known = lines.get(key);
    if (known?.sign !== sign) {
      const node = make();
      known?.node.replaceWith(node);
      known = { sign, node, ids };
      lines.set(key, known);
    }
    const next = before ? before.nextSibling : log.firstChild;
    if (next !== known.node) log.insertBefore(known.node, next);
    before = known.node;
  };
  const earliest = (set) => Math.min(...set.map((l) => shown.indexOf(l)));
  shown.forEach((line, index) => {
    const set = setOf(line);
    if (earliest(set) !== index) return;
    if (dayOf(line.at) !== day) {
      day = dayOf(line.at);
      const words = day;
      place(`day ${words}`, words, [], () => el("p", { class: "day" }, words));
    }
    const quoted = line.quotes ? state.lines.find((l) => l.id === line.quotes) : null;
    const sign = JSON.stringify([set, who, quoted?.retracted, quoted?.content.text, personOf(line.user)?.picture]);
    place(line.id ?? `line ${line.at} ${index}`, sign, set.map((l) => l.id), () => drawLine(set.length > 1 ? { ...line, id: set[0].id } : line, set));
  });
  for (const [key, known] of lines) {
    if (!wanted.has(key)) {
      known.node.remove();
      lines.delete(key);
    }
  }
  const newest = shown.at(-1);
  const isNew = newest?.id !== lastLine;
  const isOwn = isNew && newest?.user === who;
  const first = lastLine === null;
  lastLine = newest?.id;
  if (atEnd || isOwn || first) log.scrollTop = log.scrollHeight;
}
/** LINE shows the chips of the newest message alone, and they go as soon as anybody writes. */
function drawQuick() {
  const newest = state.lines.at(-1);
  const items = newest?.by === "bot" ? (newest.content.quickReply?.items ?? []) : [];
  const sign = items.length ? newest.id : "";
  if ($("quick").dataset.of === sign) return;
  $("quick").dataset.of = sign;
  $("quick").hidden = !items.length;
  $("quick").replaceChildren(...items.map((i) => el("button", { type: "button", onclick: () => act(newest.id, i.action) }, i.action?.label ?? "")));
}

function setMode(next) {
  mode = next;
  const line = next && state.lines.find((l) => l.id === (next.quote ?? next.edit));
  $("context").hidden = !line;
  if (!line) return;
  $("context-text").textContent = next.edit ? t("editing") : t("quoting", { name: speakerName(line), text: inShort(line.content) });
  if (next.edit) $("text").value = line.content.text;
  grow();
  $("text").focus();
}
function grow() {
  const field = $("text");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, 120)}px`;
}
async function send(event) {
  event?.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  const told = mode?.edit ? await call("edit", { message: mode.edit, text }) : await call("say", { who, text, quote: mode?.quote ?? null });
  if (!told) return;
  $("text").value = "";
  setMode(null);
  grow();
}

function openOnly(id) {
  for (const [button, panel] of [["pick-sticker", "stickers"], ["mention", "mentions"]]) {
    const open = panel === id && $(panel).hidden;
    $(panel).hidden = !open;
    $(button).setAttribute("aria-expanded", String(open));
  }
}
/** Puts `@name ` where the cursor is; the `@` that stands before it is not doubled. */
function putMention(name) {
  const field = $("text");
  const before = field.value.slice(0, field.selectionStart).replace(/@$/, "");
  const after = field.value.slice(field.selectionEnd);
  field.value = `${before}@${name} ${after}`;
  field.selectionStart = field.selectionEnd = before.length + name.length + 2;
  openOnly("");
  grow();
  field.focus();
}
function drawMentions() {
  const names = [...(state.bot_in ? [state.bot] : []), ...state.people.filter((p) => p.in_group && p.user !== who).map((p) => p.name), "All"];
  const sign = names.join(" ");
  if ($("mentions").dataset.of === sign) return;
  $("mentions").dataset.of = sign;
  $("mentions").replaceChildren(...names.map((name) => el("button", { type: "button", onclick: () => putMention(name) }, `@${name}`)));
}
async function upload(input, kind) {
  const files = [...input.files].slice(0, PICTURES_AT_ONCE_MAX);
  input.value = "";
  if (files.some((file) => file.size > UPLOAD_BYTES_MAX)) {
    trouble(t("too_large", { megabytes: UPLOAD_BYTES_MAX / 1024 / 1024 }));
    return;
  }
  const set = files.length > 1 && kind === "image" ? { set: crypto.randomUUID?.().replaceAll("-", "") ?? String(Date.now()), total: files.length } : null;
  // LINE delivers the pictures of a set in no order of theirs; neither does this.
  const sent = files.map((file, index) => ({ file, index: index + 1 })).reverse();
  for (const { file, index } of sent) {
    const query = new URLSearchParams({ who, kind, name: file.name, ...(set ? { ...set, index } : {}) });
    await call(`upload?${query}`, file, file.type || "application/octet-stream");
  }
}

function drawWriters() {
  const writers = state.people.filter((p) => p.user);
  if (!who) who = writers[0].user;
  const sign = JSON.stringify(writers.map((p) => [p.user, p.picture, p.in_group]));
  if ($("who").dataset.of !== sign) {
    $("who").dataset.of = sign;
    for (const old of $("who").querySelectorAll("label")) old.remove();
    $("who").append(...writers.map((p) => el("label", { class: p.in_group ? "" : "out" },
      el("input", { type: "radio", name: "who", value: p.user, checked: p.user === who, onchange: () => { who = p.user; setMode(null); draw(state); } }),
      el("span", {}, p.picture ? el("img", { src: p.picture, alt: "" }) : "", p.name))));
  }
  const me = personOf(who);
  $("line-row").hidden = !me.in_group;
  $("outside").hidden = me.in_group;
  $("outside-text").textContent = t("not_member", { name: me.name });
}
function drawMembers() {
  const sign = JSON.stringify([state.people, state.bot_in]);
  if ($("member-list").dataset.of === sign) return;
  $("member-list").dataset.of = sign;
  const row = (picture, name, role, button) => el("li", {}, picture, el("span", {}, el("b", {}, name), el("small", {}, role)), button);
  const move = (p) => el("button", { type: "button", onclick: () => call("member", { who: p.user, come: !p.in_group }) }, t(p.in_group ? "leave_group" : "rejoin_group"));
  const people = state.people.map((p, place) => [p, place]).filter(([p]) => p.user);
  $("member-list").replaceChildren(
    ...people.map(([p, place]) => row(face(p.name, p.picture, place), p.name, t(p.role === "client" ? "role_client" : "role_staff"), move(p))),
    row(el("span", { class: "avatar bot", "aria-hidden": "true" }, "牽"), state.bot, t("bot_tag"),
      el("button", { type: "button", onclick: () => call("bot", { come: !state.bot_in }) }, t(state.bot_in ? "bot_remove" : "bot_invite"))));
}
function drawCost() {
  const { replies, pushes, billed, quota, used } = state.cost;
  const item = (count, words) => el("span", {}, el("b", {}, String(count)), words);
  $("cost").replaceChildren(item(replies, t("cost_free")), item(pushes, t("cost_pushes")),
    item(quota === null ? billed : `${used}／${quota}`, t("cost_billed", { heads: state.members })));
}

/** Draws what changed. */
export function draw(next) {
  state = next;
  $("line-title").textContent = state.group;
  const picture = $("group-avatar");
  if (state.group_picture && picture.dataset.of !== state.group_picture) {
    picture.dataset.of = state.group_picture;
    picture.replaceChildren(el("img", { src: state.group_picture, alt: "" }));
  } else if (!state.group_picture) picture.textContent = [...state.group][0];
  $("line-members").textContent = state.bot_in ? t("members", { count: state.members, bot: state.bot }) : t("members_alone", { count: state.members });
  $("bot-out").hidden = state.bot_in;
  $("bot-out").textContent = t("bot_out", { bot: state.bot });
  drawWriters();
  drawMembers();
  drawCost();
  drawMentions();
  drawLog();
  drawQuick();
}
export function scrollToEnd() {
  $("log").scrollTop = $("log").scrollHeight;
}

/** Whoever reads the end goes on reading it while the composer grows and shrinks. */
function stayAtEnd() {
  const log = $("log");
  let atEnd = true;
  log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80; });
  new ResizeObserver(() => { if (atEnd) scrollToEnd(); }).observe(log);
}

/** Makes the pane work; `open` shows a discussion's page. */
export function start(open) {
  openPage = open;
  stayAtEnd();
  $("composer").addEventListener("submit", send);
  $("text").addEventListener("input", (event) => {
    grow();
    if (event.data === "@" && $("mentions").hidden) openOnly("mentions");
    else if (event.data !== "@" && !$("mentions").hidden) openOnly("");
  });
  $("text").addEventListener("keydown", (event) => {
    // While an input method is composing, Enter chooses a word.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
    if (event.key === "Escape") {
      setMode(null);
      openOnly("");
    }
  });
  $("context-close").addEventListener("click", () => { if (mode?.edit) $("text").value = ""; setMode(null); grow(); });
  $("mention").addEventListener("click", () => openOnly("mentions"));
  $("pick-sticker").addEventListener("click", () => openOnly("stickers"));
  $("pick-image").addEventListener("click", () => $("image-file").click());
  $("pick-file").addEventListener("click", () => $("any-file").click());
  $("image-file").addEventListener("change", (event) => upload(event.target, "image"));
  $("any-file").addEventListener("change", (event) => upload(event.target, "file"));
  $("rejoin").addEventListener("click", () => call("member", { who, come: true }));
  $("show-members").addEventListener("click", () => $("members").showModal());
  $("members-close").addEventListener("click", () => $("members").close());
  $("members").addEventListener("click", (event) => { if (event.target === $("members")) $("members").close(); });
  $("stickers").append(...STICKERS.map((one) => el("button", { type: "button", onclick: () => {
    openOnly("");
    call("sticker", { who, keyword: one[0], quote: mode?.quote ?? null });
    setMode(null);
  } }, sticker(one))));
}
