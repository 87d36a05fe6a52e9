/** The program of one thread of {@link file://./pool.ts}: does the jobs that it is sent, one after the other. */
import { parentPort } from 'node:worker_threads';
import { type Job, runJob } from '../measure/distance-tasks.js';

parentPort?.on('message', (job: Job) => parentPort?.postMessage(runJob(job)));
