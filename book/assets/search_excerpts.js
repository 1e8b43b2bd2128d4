/* Puts an excerpt under each result of a search, from the texts that book_search.py wrote. */
"use strict";

var bookTexts = {}; // by page: a list of sections, each its names and its text

(() => {
  const loading = {};
  const load = (page) =>
    (loading[page] ??= new Promise((loaded, failed) => {
      const script = document.createElement("script");
      script.src = `${document.documentElement.dataset.content_root}_texts/${page}.js`;
      script.onload = loaded;
      script.onerror = failed;
      document.head.append(script);
    }));

  const textFrom = (page, anchor) => {
    const place = bookTexts[page].findIndex(([names]) => names.includes(anchor));
    return bookTexts[page].slice(Math.max(place, 0)).map(([, text]) => text).join(" ");
  };

  // Sphinx's own summary then takes a text where it expects a page.
  Search.htmlToText = (text) => text;

  const addExcerpt = async (result) => {
    const [file, anchor] = result.querySelector("a").getAttribute("href").split("#");
    const page = file.slice(0, -DOCUMENTATION_OPTIONS.LINK_SUFFIX.length);
    const query = new URLSearchParams(window.location.search).get("q");
    const [, words, , highlighted] = Search._parseQuery(query);
    await load(page);
    result.append(Search.makeSearchSummary(textFrom(page, anchor), words));
    highlighted.forEach((word) => _highlightText(result, word, "highlighted"));
  };

  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes]))
      // A result with a description, of a class or function, says enough.
      if (node.matches?.("ul.search > li") && !node.querySelector("span")) addExcerpt(node);
  }).observe(document.getElementById("search-results"), { childList: true, subtree: true });
})();
