/**
 * Where a model of a remote server lies: `http://host:8000/v2/models/NAME`, optionally with `/versions/N`, behind any
 * path of a gateway. A name and password in it, or a token in the environment, become a header. Nothing is asked here.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import { expected } from '../../src/core/errors.js';

export const NAME = 'open-inference';
/** Names the server's model when nobody gives a URL. */
export const URL_VARIABLE = 'GANX_OPEN_INFERENCE_URL';
/** A bearer token for servers that want one. */
export const TOKEN_VARIABLE = 'GANX_OPEN_INFERENCE_TOKEN';

const EXAMPLE = 'http://localhost:8000/v2/models/generator';
const PATH = /^(.*\/v2)(\/models\/[^/]+(?:\/versions\/[^/]+)?)\/?$/;

/** One model of one server; neither URL holds a password. */
export interface Address {
  /** Ends with `/v2`. */
  readonly server: string;
  /** `server` and `/models/NAME` or `/models/NAME/versions/N`. */
  readonly model: string;
  /** The value of the header `Authorization`. */
  readonly authorization?: string;
}

/** A variable of the environment; pages have none. */
function readVariable(name: string): string | undefined {
  return globalThis.process?.env?.[name] || undefined;
}

/** What the environment says, for those who ask before there is anything to open. */
export function findAddressText(): string | undefined {
  return readVariable(URL_VARIABLE);
}

/** The sentence for a server that nobody has named. */
export const NO_ADDRESS = `No server is named: set ${URL_VARIABLE}, for example to ${EXAMPLE}.`;

/** @throws GanError `BAD_ARGUMENT` for anything but the http(s) URL of a model */
export function readAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const { username, password } = url ?? {};
  if (url) url.username = url.password = '';
  const path = PATH.exec(url?.pathname ?? '');
  if (!url || !path || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw expected(NAME, `the URL of a model such as ${EXAMPLE}`, url?.href ?? text);
  }
  const [, base = '', model = ''] = path;
  const server = `${url.origin}${base}`;
  const token = readVariable(TOKEN_VARIABLE);
  const authorization = username
    ? `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password ?? '')}`)}`
    : token && `Bearer ${token}`;
  return { server, model: `${server}${model}`, ...(authorization ? { authorization } : {}) };
}
