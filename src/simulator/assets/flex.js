// Flex and template messages, drawn as LINE draws them (Messaging API reference, "Flex Message", "Template messages").

import { el } from "./core.js";

const TEXT_PX = { xxs: 11, xs: 13, sm: 14, md: 16, lg: 19, xl: 22, xxl: 29, "3xl": 35, "4xl": 48, "5xl": 74 };
const SPACE_PX = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 16, xxl: 20 };
const RADIUS_PX = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 18, xxl: 24 };
const BORDER_PX = { none: 0, light: 0.5, normal: 1, medium: 2, semi_bold: 3, "semi-bold": 3, bold: 4 };
const CARD_PX = { nano: 120, micro: 160, deca: 220, hecto: 241, kilo: 260, mega: 300, giga: 386 };
/** Heights of buttons. */
const BUTTON_PX = { sm: 40, md: 52 };
const IMAGE_SHARE = { xxs: "40px", xs: "60px", sm: "80px", md: "100px", lg: "120px", xl: "140px", xxl: "160px", "3xl": "180px", "4xl": "200px", "5xl": "220px", full: "100%" };
/** What stands around a block's content where it does not say so itself. */
const BLOCK_PADDING_PX = { header: 20, hero: 0, body: 20, footer: 10 };
const SMALL_BLOCK_PADDING_PX = { header: 13, hero: 0, body: 13, footer: 10 };
const ALIGN = { start: "flex-start", center: "center", end: "flex-end", "flex-start": "flex-start", "flex-end": "flex-end", baseline: "baseline" };
const JUSTIFY = { ...ALIGN, "space-between": "space-between", "space-around": "space-around", "space-evenly": "space-evenly" };
const GRAVITY = { top: "flex-start", center: "center", bottom: "flex-end" };

/** A word of the table, a number of pixels or a share, as CSS; null where it is neither. */
function length(table, value) {
  if (value === undefined || value === null) return null;
  if (value in table) return typeof table[value] === "number" ? `${table[value]}px` : table[value];
  return /^-?\d+(\.\d+)?(px|%)$/.test(value) ? value : null;
}

function setEdges(node, property, part, key, table) {
  for (const [suffix, side] of [["Top", "Top"], ["Bottom", "Bottom"], ["Start", "Left"], ["End", "Right"]]) {
    const own = length(table, part[key + suffix]);
    if (own !== null) node.style[property ? property + side : side.toLowerCase()] = own;
  }
}

function tappable(node, action, act) {
  if (!action) return;
  node.setAttribute("role", "button");
  node.tabIndex = 0;
  node.classList.add("fx-tappable");
  if (action.label) node.setAttribute("aria-label", action.label);
  node.addEventListener("click", (event) => { event.stopPropagation(); act(action); });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(action);
  });
}

function box(part, act, padding) {
  const node = el("div", { class: "fx-box" });
  const row = part.layout !== "vertical";
  node.style.flexDirection = row ? "row" : "column";
  if (part.layout === "baseline") node.style.alignItems = "baseline";
  else if (part.alignItems) node.style.alignItems = ALIGN[part.alignItems] ?? "stretch";
  if (part.justifyContent) node.style.justifyContent = JUSTIFY[part.justifyContent] ?? "flex-start";
  if (part.backgroundColor) node.style.backgroundColor = part.backgroundColor;
  const gradient = part.background;
  if (gradient?.type === "linearGradient") {
    const middle = gradient.centerColor ? `, ${gradient.centerColor} ${gradient.centerPosition ?? "50%"}` : "";
    node.style.backgroundImage = `linear-gradient(${gradient.angle}, ${gradient.startColor}${middle}, ${gradient.endColor})`;
  }
  const radius = length(RADIUS_PX, part.cornerRadius);
  if (radius) {
    node.style.borderRadius = radius;
    node.style.overflow = "hidden";
  }
  const border = length(BORDER_PX, part.borderWidth);
  if (border || part.borderColor) node.style.border = `${border ?? "1px"} solid ${part.borderColor ?? "#000"}`;
  for (const size of ["width", "height", "maxWidth", "maxHeight"]) if (part[size]) node.style[size] = part[size];
  node.style.padding = length(SPACE_PX, part.paddingAll) ?? `${padding}px`;
  setEdges(node, "padding", part, "padding", SPACE_PX);
  (part.contents ?? []).forEach((inner, index) => {
    const child = component(inner, act, row);
    if (!child) return;
    if (inner.position === "absolute") {
      child.style.position = "absolute";
      node.style.position ||= "relative";
      setEdges(child, "", inner, "offset", SPACE_PX);
    } else {
      const given = inner.flex ?? (row && !["icon", "separator", "spacer"].includes(inner.type) ? 1 : 0);
      child.style.flex = given > 0 ? `${given} 1 ${row ? "0" : "auto"}` : "0 0 auto";
      if (given === 0 && row) child.style.maxWidth = "100%";
      const gap = length(SPACE_PX, inner.margin) ?? (index ? length(SPACE_PX, part.spacing) : null);
      if (gap) child.style[row ? "marginLeft" : "marginTop"] = gap;
    }
    node.append(child);
  });
  tappable(node, part.action, act);
  return node;
}

function dress(node, part) {
  const size = length(TEXT_PX, part.size);
  if (size) node.style.fontSize = size;
  if (part.weight === "bold") node.style.fontWeight = "700";
  if (part.color) node.style.color = part.color;
  if (part.style === "italic") node.style.fontStyle = "italic";
  if (part.decoration && part.decoration !== "none") node.style.textDecoration = part.decoration;
}

function text(part, act, row) {
  const node = el("p", { class: part.wrap ? "fx-text fx-wrap" : "fx-text" });
  dress(node, { size: "md", ...part });
  if (part.align) node.style.textAlign = part.align;
  if (part.gravity && row) node.style.alignSelf = GRAVITY[part.gravity] ?? "auto";
  const space = length(SPACE_PX, part.lineSpacing);
  if (space) node.style.lineHeight = `calc(1.4em + ${space})`;
  if (part.wrap && part.maxLines) {
    node.classList.add("fx-clamp");
    node.style.webkitLineClamp = part.maxLines;
  }
  if (part.contents?.length) {
    for (const span of part.contents) {
      const made = el("span", {}, span.text ?? "");
      dress(made, span);
      node.append(made);
    }
  } else node.textContent = part.text ?? "";
  tappable(node, part.action, act);
  return node;
}

export function button(part, act) {
  const style = part.style ?? "link";
  const node = el("button", { type: "button", class: `fx-button ${style}`, onclick: (event) => { event.stopPropagation(); act(part.action); } }, part.action?.label ?? "");
  if (part.color) node.style[style === "link" ? "color" : "backgroundColor"] = part.color;
  node.style.minHeight = `${BUTTON_PX[part.height ?? "md"] ?? 52}px`;
  return node;
}

function image(part, act) {
  const node = el("img", { class: "fx-image", src: part.url, alt: part.action?.label ?? "", loading: "lazy" });
  if (part.type === "icon") node.style.height = length(TEXT_PX, part.size ?? "md") ?? "16px";
  else {
    const [wide, high] = (part.aspectRatio ?? "1:1").split(":").map(Number);
    node.style.width = length(IMAGE_SHARE, part.size ?? "md") ?? "100px";
    node.style.aspectRatio = `${wide || 1} / ${high || 1}`;
    node.style.objectFit = part.aspectMode === "cover" ? "cover" : "contain";
    node.style.alignSelf = { start: "flex-start", end: "flex-end" }[part.align] ?? "center";
    if (part.backgroundColor) node.style.backgroundColor = part.backgroundColor;
  }
  tappable(node, part.action, act);
  return node;
}

function component(part, act, row) {
  switch (part.type) {
    case "box": return box(part, act, 0);
    case "text": return text(part, act, row);
    case "button": return button(part, act);
    case "separator": {
      const node = el("span", { class: `fx-separator ${row ? "fx-upright" : ""}`, role: "separator" });
      if (part.color) node.style.backgroundColor = part.color;
      return node;
    }
    case "image":
    case "icon": return image(part, act);
    case "filler":
    case "spacer": return el("span", {});
    default: return row ? el("span", {}) : null;
  }
}

function card(bubble, act) {
  const node = el("div", { class: "bubble-card" });
  if (bubble.direction === "rtl") node.dir = "rtl";
  const size = bubble.size ?? "mega";
  node.style.width = `${CARD_PX[size] ?? CARD_PX.mega}px`;
  const paddings = ["nano", "micro", "deca", "hecto", "kilo"].includes(size) ? SMALL_BLOCK_PADDING_PX : BLOCK_PADDING_PX;
  for (const name of ["header", "hero", "body", "footer"]) {
    const block = bubble[name];
    if (!block) continue;
    const made = block.type === "box" ? box(block, act, paddings[name]) : component(block, act, false);
    if (!made) continue;
    const style = bubble.styles?.[name];
    if (style?.backgroundColor) made.style.backgroundColor = style.backgroundColor;
    if (style?.separator) made.style.borderTop = `1px solid ${style.separatorColor ?? "#d4d6da"}`;
    if (name === "body") made.classList.add("fx-body");
    node.append(made);
  }
  tappable(node, bubble.action, act);
  return node;
}

/** The bubbles of a Flex message; `act` is told of the action of whatever is tapped. */
export function flex(message, act) {
  const bubbles = message.contents?.type === "carousel" ? (message.contents.contents ?? []) : [message.contents ?? {}];
  return cards(message.altText, bubbles.map((bubble) => card(bubble, act)));
}

/** The columns of a template message. */
export function template(message, act) {
  const content = message.template ?? {};
  return cards(message.altText, (content.columns ?? [content]).map((column) => {
    const body = { type: "box", layout: "vertical", spacing: "sm", contents: [] };
    if (column.title) body.contents.push({ type: "text", text: column.title, weight: "bold", wrap: true });
    if (column.text) body.contents.push({ type: "text", text: column.text, size: "sm", wrap: true });
    const footer = { type: "box", layout: "vertical", contents: (column.actions ?? []).map((action) => ({ type: "button", height: "sm", action })) };
    return card({ size: "kilo", body, footer }, act);
  }));
}

function cards(label, nodes) {
  const strip = el("div", { class: "cards", role: "group", "aria-label": label }, ...nodes);
  // A strip that scrolls must be reachable without a mouse.
  if (nodes.length > 1) strip.tabIndex = 0;
  return strip;
}
