/**
 * The page's only script: what a mark stands for, told when it is pointed at, tapped, or stepped to
 * with the keyboard. Without it the page still holds everything in its tables, and browsers show the
 * marks' titles themselves.
 *
 * @module
 */

/** The script's text; it asks for nothing, changes no markup, and sets text only as text. */
export const TOOLTIP_SCRIPT = `"use strict";
(() => {
  const tip = document.getElementById("tip");
  const words = new WeakMap();
  let shown = null;
  const hide = () => {
    if (shown) shown.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };
  const show = (mark, x, y) => {
    if (shown !== mark) {
      hide();
      shown = mark;
      mark.classList.add("on");
      tip.textContent = words.get(mark);
      tip.hidden = false;
    }
    const box = tip.getBoundingClientRect();
    const wide = document.documentElement.clientWidth, high = window.innerHeight;
    const above = y - box.height - 14;
    tip.style.left = Math.max(6, Math.min(wide - box.width - 6, x - box.width / 2)) + "px";
    tip.style.top = Math.max(6, Math.min(high - box.height - 6, above > 6 ? above : y + 18)) + "px";
  };
  const showAt = (mark) => {
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = mark.getBoundingClientRect();
    show(mark, box.left + box.width / 2, box.top);
  };
  // A mark thinner than a fingertip is met when it is close by.
  const near = (event) => {
    for (const [dx, dy] of [[0, 0], [0, -3], [0, 3], [-3, 0], [3, 0], [0, -7], [0, 7]]) {
      const mark = document.elementFromPoint(event.clientX + dx, event.clientY + dy);
      if (mark && words.has(mark)) return mark;
    }
    return null;
  };
  const point = (event) => {
    const mark = near(event);
    if (mark) show(mark, event.clientX, event.clientY);
    else hide();
  };
  for (const chart of document.querySelectorAll(".chart")) {
    const marks = [];
    // The browser's own tooltip would cover this one, so titles move into memory.
    for (const title of chart.querySelectorAll("svg title")) {
      const mark = title.parentNode;
      words.set(mark, title.textContent);
      marks.push(mark);
      title.remove();
    }
    let at = -1;
    const groupStart = (i) => {
      while (i > 0 && marks[i - 1].parentNode === marks[i].parentNode) i--;
      return i;
    };
    const groupEnd = (i) => {
      while (i < marks.length - 1 && marks[i + 1].parentNode === marks[i].parentNode) i++;
      return i;
    };
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("focus", () => {
      if (marks.length && chart.matches(":focus-visible")) showAt(marks[at = Math.max(0, at)]);
    });
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (event) => {
      const last = marks.length - 1;
      if (last < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
      const i = Math.max(0, at);
      const next = {
        ArrowRight: Math.min(last, at + 1),
        ArrowLeft: Math.max(0, i - 1),
        ArrowDown: Math.min(last, groupEnd(i) + 1),
        ArrowUp: groupStart(Math.max(0, groupStart(i) - 1)),
        Home: 0,
        End: last,
      }[event.key];
      if (event.key === "Escape") hide();
      if (next === undefined) return;
      event.preventDefault();
      showAt(marks[at = next]);
    });
  }
  addEventListener("scroll", () => {
    if (shown && !document.activeElement.classList.contains("chart")) hide();
  }, { passive: true });
})();
`;
