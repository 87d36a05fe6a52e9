/**
 * Where this machine keeps a Chromium or one of its kin. It starts nothing.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { GanError } from '../core/errors.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];

/** Where the installers of systems without such names on the path put it. */
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ...['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => {
    const folder = process.env[name];
    return folder ? [join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe')] : [];
  }),
];

const REMEDY = 'Install Chromium or Chrome, or let GANX_CHROMIUM name its program.';

/** The browser on this machine; `GANX_CHROMIUM` names another. Undefined when there is none. */
export const chromiumPath: string | undefined = (
  process.env.GANX_CHROMIUM
    ? [process.env.GANX_CHROMIUM]
    : [
        ...(process.env.PATH ?? '')
          .split(delimiter)
          .flatMap((folder) => NAMES.map((name) => join(folder, name))),
        ...APPLICATIONS,
      ]
).find((path) => existsSync(path));

/**
 * The browser's program.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when there is none
 */
export function findChromium(): string {
  if (chromiumPath !== undefined) return chromiumPath;
  const got = process.env.GANX_CHROMIUM ?? 'none';
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'chromium',
    `Expected a Chromium on this machine, got \`${got}\`. ${REMEDY}`,
  );
}
