/** The measuring room's door: what is compared with numbers. It knows no runtime; sessions are handed in. */
export {
  type Candidate,
  measureParity,
  type ParityOptions,
  type ParityReport,
  type ParityRow,
} from './parity.js';
