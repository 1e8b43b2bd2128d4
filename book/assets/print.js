// A page that is read in the dark is printed light: the switch to the light theme and back is the reader's own, so that
// everything that follows the theme, figures too, follows it onto the paper.
(() => {
  const root = document.documentElement;
  let shown = null; // the theme on the screen while the page is being printed

  function lighten() {
    if (shown !== null) return;
    shown = root.dataset.theme;
    root.dataset.theme = "light";
  }

  function restore() {
    if (shown === null) return;
    root.dataset.theme = shown;
    shown = null;
  }

  // Firefox tells of printing by the events alone, a preview in the developer tools by the media query alone
  window.addEventListener("beforeprint", lighten);
  window.addEventListener("afterprint", restore);
  matchMedia("print").addEventListener("change", (query) => (query.matches ? lighten() : restore()));
})();
