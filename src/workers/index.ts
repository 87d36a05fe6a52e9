/**
 * The door of the workers' room: threads of Node for the measures. Sessions in threads are in sessions.ts, which loads
 * a library that the measures do not need.
 */
export { openPool, type Pool } from './pool.js';
