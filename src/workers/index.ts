/** The door of the workers' room: threads of Node for the measures. */
export { openPool, type Pool } from './pool.js';
