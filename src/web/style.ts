/**
 * The look of the grid and of the element around it. Style sheets are made by script, which a strict
 * Content-Security-Policy allows where it refuses `<style>`.
 */

/** Rules of a sample grid; custom properties `--ganx-size`, `--ganx-gap`, `--ganx-radius`, `--ganx-accent`. */
export const GRID_STYLE = `
.grid {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(var(--ganx-size, 4.5rem), 1fr));
  gap: var(--ganx-gap, 0.375rem);
}
.grid button {
  all: unset;
  display: block;
  overflow: hidden;
  border-radius: var(--ganx-radius, 0.375rem);
  cursor: pointer;
}
.grid button:focus-visible {
  outline: 3px solid var(--ganx-accent, Highlight);
  outline-offset: 2px;
}
.grid button:hover canvas {
  filter: brightness(1.08);
}
.grid canvas {
  display: block;
  width: 100%;
  height: auto;
}
.grid[data-pixelated] canvas {
  image-rendering: pixelated;
}
.grid[data-kind="points"] {
  display: block;
}
`;

/** Rules of the element. */
export const ELEMENT_STYLE = `
:host {
  display: block;
  font: inherit;
}
:host([hidden]),
[hidden] {
  display: none !important;
}
.line {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.75rem;
  margin: 0 0 0.5rem;
}
progress {
  flex: 1 1 8rem;
  max-width: 20rem;
  accent-color: var(--ganx-accent, Highlight);
}
.error {
  color: var(--ganx-error, light-dark(#a3161f, #ff8f8f));
}
.status {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
`;

/** A style sheet for `adoptedStyleSheets`. */
export function makeSheet(...rules: readonly string[]): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules.join('\n'));
  return sheet;
}
