/**
 * The page of a reproduction: HTML and CSS without a script or style of its own inside, so that a strict
 * Content-Security-Policy serves it. What it runs is in reproduction-script.ts.
 */

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/**
 * @param facts  name and value, both plain text
 * @param report the beginning of the text for a bug report; the page adds what it measures
 */
export function renderPage(
  operator: string,
  node: string,
  facts: readonly (readonly [name: string, value: string])[],
  report: string,
): string {
  const rows = facts.map(
    ([name, value]) =>
      `          <tr><th scope="row">${escapeText(name)}</th><td>${escapeText(value)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${escapeText(operator)} ${escapeText(node)}: a reproduction</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="./style.css">
    <script type="module" src="./reproduce.js"></script>
  </head>
  <body>
    <main>
      <h1>${escapeText(operator)} <code>${escapeText(node)}</code> computes something else than it should</h1>
      <div class="wide" role="region" aria-label="What was found" tabindex="0">
        <table>
          <tbody>
${rows.join('\n')}
          </tbody>
        </table>
      </div>
      <h2>In this browser</h2>
      <p id="status" role="status">Not started: this page runs when it comes from a web server, such as
        <code>npx http-server</code> in its folder.</p>
      <div class="wide" role="region" aria-label="What this browser computes" tabindex="0">
        <table id="results">
          <thead>
            <tr><th scope="col">Device</th><th scope="col">Verdict</th><th scope="col">Largest difference</th>
              <th scope="col">At</th><th scope="col">Expected</th><th scope="col">Got</th>
              <th scope="col">Engine</th></tr>
          </thead>
          <tbody></tbody>
        </table>
      </div>
      <h2>For a bug report</h2>
      <p>Attach <a href="./node.onnx">node.onnx</a>, <a href="./expected.npy">expected.npy</a> and the inputs
        (<code>input-….npy</code>); the values are NumPy arrays.
        <button type="button" id="copy">Copy the text</button></p>
      <pre id="report" tabindex="0" aria-label="Text for a bug report">${escapeText(report)}</pre>
    </main>
  </body>
</html>
`;
}

/** The page's style.css. */
export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --line: light-dark(#d5d5da, #3a3a42);
  --quiet: light-dark(#f4f4f6, #1d1d22);
  --wrong: light-dark(#b3261e, #ff9a90);
  --right: light-dark(#1b6e35, #7ed99a);
  font: 1rem / 1.5 system-ui, sans-serif;
}

body {
  margin: 0;
}

main {
  max-width: 60rem;
  margin: 0 auto;
  padding: 1.5rem 1rem 4rem;
}

h1 {
  font-size: 1.5rem;
  line-height: 1.25;
  overflow-wrap: anywhere;
}

h2 {
  margin-top: 2rem;
  font-size: 1.15rem;
}

.wide {
  overflow-x: auto;
}

table {
  width: 100%;
  border-collapse: collapse;
}

th,
td {
  padding: 0.4rem 0.75rem 0.4rem 0;
  border-bottom: 1px solid var(--line);
  text-align: left;
  vertical-align: top;
  overflow-wrap: anywhere;
}

tbody th {
  font-weight: 600;
  white-space: nowrap;
}

#results th,
#results td {
  overflow-wrap: normal;
  font-variant-numeric: tabular-nums;
}

#results td:not(:last-child) {
  white-space: nowrap;
}

#results .wrong {
  color: var(--wrong);
  font-weight: 600;
}

#results .right {
  color: var(--right);
}

pre {
  padding: 0.75rem;
  background: var(--quiet);
  overflow-x: auto;
  white-space: pre-wrap;
}

button {
  font: inherit;
  padding: 0.15rem 0.6rem;
}
`;
