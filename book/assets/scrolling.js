// A long formula scrolls in the cell of a table on a narrow screen. Some browsers let Tab stop at such a box; here all do.
window.addEventListener("load", () => {
  for (const box of document.querySelectorAll(".bd-article table p")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
});
