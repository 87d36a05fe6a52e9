/** The OpenAPI document as a page for people: every address, what it takes, and what that means. */
import { escapeHtml, renderPage } from './front-page.js';

interface OpenApiParameter {
  readonly name: string;
  readonly description?: string;
  readonly schema?: { readonly description?: string; readonly default?: unknown };
}

/** The part of the document that is shown. */
export interface OpenApiDocument {
  readonly info?: { readonly title?: string; readonly version?: string };
  readonly paths?: Readonly<
    Record<
      string,
      Readonly<
        Record<string, { readonly summary?: string; readonly parameters?: readonly OpenApiParameter[] }>
      >
    >
  >;
}

function renderParameter({ name, description, schema }: OpenApiParameter): string {
  const initially = schema?.default === undefined ? '' : ` Default ${String(schema.default)}.`;
  const text = `${description ?? schema?.description ?? ''}${initially}`;
  return `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td>${escapeHtml(text)}</td></tr>`;
}

/** @param prefix of all addresses, '' or `/path` */
export function renderDocs(document: OpenApiDocument, prefix: string): string {
  const parts = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary = '', parameters = [] }]) => {
      const rows = parameters.map(renderParameter).join('');
      return `<section>
<h2><code>${method.toUpperCase()} ${escapeHtml(path)}</code></h2>
<p>${escapeHtml(summary)}</p>
${rows ? `<table>${rows}</table>` : ''}
</section>`;
    }),
  );
  const title = `${document.info?.title ?? 'API'} ${document.info?.version ?? ''}`;
  return renderPage(
    title,
    `<main>
<h1>${escapeHtml(title)}</h1>
<p><a href="${prefix}/">Samples</a>, <a href="${prefix}/openapi.json">the document</a> (OpenAPI 3.1)</p>
${parts.join('\n')}
</main>`,
  );
}
