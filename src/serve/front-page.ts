/**
 * The front page: samples of one model and a form to ask for others. It is whole without scripts, follows the visitor's
 * light or dark mode, and asks nobody but this server.
 */
import { createHash } from 'node:crypto';
import type { ServedModel } from './model.js';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; }
a[aria-current] { font-weight: bold; }
form { display: flex; flex-wrap: wrap; gap: 1rem; align-items: end; margin: 0 0 1.5rem; }
label { display: grid; gap: .25rem; }
input, select, button { font: inherit; padding: .4rem .6rem; }
input { width: 9rem; }
img { max-width: 100%; height: auto; image-rendering: pixelated; border: 1px solid GrayText; }
code { overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top; }
`;

/** For the policy that lets this style through and nothing else. */
export const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (one) => ENTITIES[one]!);
}

/** A whole document around a body. */
export function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
${body}
</html>
`;
}

/** What the form holds. */
export interface FrontPageWish {
  readonly seed: number;
  readonly count: number;
  readonly truncation: number;
  readonly label: string | undefined;
}

function selectLabel(names: readonly string[], chosen: string | undefined): string {
  const option = (value: string, text: string) =>
    `<option value="${escapeHtml(value)}"${value === (chosen ?? '') ? ' selected' : ''}>${escapeHtml(text)}</option>`;
  const options = [option('', 'each in turn'), ...names.map((name) => option(name, name))];
  return `<label>Class <select name="label">${options.join('')}</select></label>`;
}

/**
 * @param prefix   of all addresses, '' or `/path`
 * @param maxCount most samples on a sheet
 */
export function renderFrontPage(
  prefix: string,
  models: readonly ServedModel[],
  model: ServedModel,
  wish: FrontPageWish,
  maxCount: number,
): string {
  const { seed, count, truncation, label } = wish;
  const { metadata, labelled } = model.generator;
  const query = new URLSearchParams({ count: String(count), seed: String(seed) });
  if (truncation !== 1) query.set('truncation', String(truncation));
  if (label !== undefined) query.set('label', label);
  query.set('v', model.version);
  const base = `${prefix}/models/${model.name}`;
  const image = escapeHtml(`${base}/samples.png?${query}`);
  const film = escapeHtml(`${base}/interpolate.webp?from=${seed}&to=${seed + 1}&v=${model.version}`);
  const links = models.map(({ name }) => {
    const current = name === model.name ? ' aria-current="page"' : '';
    return `<li><a href="${prefix}/?model=${name}"${current}>${name}</a></li>`;
  });
  const number = (name: string, text: string, value: number, most: number, step = '1', least = 0) =>
    `<label>${text} <input name="${name}" type="number" min="${least}" max="${most}" step="${step}" value="${value}"></label>`;
  const kind = metadata.kind;
  return renderPage(
    `${model.name} – ganx`,
    `<main>
<h1>${escapeHtml(model.name)}</h1>
${models.length > 1 ? `<nav aria-label="Models"><ul>${links.join('')}</ul></nav>` : ''}
<form action="${prefix}/">
<input type="hidden" name="model" value="${model.name}">
${number('seed', 'Seed', seed, Number.MAX_SAFE_INTEGER)}
${number('count', 'How many', count, maxCount, '1', 1)}
${number('truncation', 'Truncation', truncation, 1, '0.05')}
${labelled ? selectLabel(metadata.labels ?? [], label) : ''}
<button>Draw</button>
</form>
<p><img src="${image}" alt="${count} ${kind} that ${escapeHtml(model.name)} drew from seed ${seed}"></p>
${kind === 'points' ? '' : `<p><a href="${film}">From seed ${seed} to seed ${seed + 1}</a></p>`}
<p><a href="${image}">This picture</a>, <a href="${prefix}/docs">all addresses</a>,
<a href="${prefix}/v2/models/${model.name}">inputs and outputs</a></p>
<p>Version <code>${model.version}</code>, ${escapeHtml(model.generator.runtime)} on ${escapeHtml(model.generator.device)}.</p>
</main>`,
  );
}
