/**
 * The page's only script: it tells what a mark stands for when that is pointed at, tapped, or stepped to
 * with the keyboard. It requests nothing and sets text only as text. Without it the page's tables still
 * hold everything, and browsers show the marks' titles themselves.
 */
"use strict";
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
    const wide = document.documentElement.clientWidth, high = globalThis.innerHeight;
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
    // Up and down step from one kind of mark, or one row, to the next.
    const firsts = [...marks.keys()].filter((i) =>
      marks[i - 1]?.parentNode !== marks[i].parentNode
    );
    let at = -1;
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
        ArrowDown: firsts.find((first) => first > i) ?? last,
        ArrowUp: firsts.findLast((first) => first < i) ?? 0,
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
