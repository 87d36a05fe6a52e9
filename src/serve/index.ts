/** `ganx/serve`: generators over HTTP, as a server or as a plugin for one's own. */
export type { LimitOptions } from './limits.js';
export type { ServeOptions } from './options.js';
export { ganxServe } from './plugin.js';
export { createServer, type Server, type ServerOptions } from './server.js';
