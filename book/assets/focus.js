// The theme takes the focus from the buttons of the page's header when they are pressed. Who presses them by the keyboard
// would then start again at the top of the page: where the focus is to be seen, it stays.
for (const button of document.querySelectorAll(
  ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle"
)) {
  button.blur = () => button.matches(":focus-visible") || HTMLElement.prototype.blur.call(button);
}
