/**
 * The game of one tab: its plan, its worker, what was seen so far, and its life: begin, play, pause, one step. It knows
 * no element of the page; whoever listens is told of every view.
 */
import { jensenShannon, pushForward } from '../../src/measure/one-dimension.js';
import { type Moment, remember } from './chart.js';
import { comparePoints } from './figure-plane.js';
import { type Data, type ExportedFile, type Kind, LINE, type Plan, type View } from './messages.js';
import { startTrainer, type Trainer } from './trainer.js';

/** What a listener is told. */
export interface GameListener {
  onView(): void;
  onState(): void;
  onProblem(reason: string): void;
  /** Told when the plan is again what it was before a change that could not be. */
  onRefusal(): void;
}

/** Changes of these begin anew: the weights no longer fit. */
const ANEW: readonly (keyof Plan)[] = ['width', 'seed'];

/** One tab's game. */
export class Game {
  view: View | undefined;
  moments: Moment[] = [];
  isPlaying = false;
  /** Asked for and not yet answered. */
  isBusy = false;
  /** Traced and compiled just now. */
  isBeginning = false;
  stepsPerPicture: number;
  #trainer: Trainer | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(
    public plan: Plan,
    stepsPerPicture: number,
    private readonly listener: GameListener,
  ) {
    this.stepsPerPicture = stepsPerPicture;
  }

  get kind(): Kind {
    return this.plan.data.kind;
  }

  /** One thing after the other; what goes wrong stops the game and is told. */
  #inTurn(act: (trainer: Trainer) => Promise<void>, undo?: () => void): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      this.isBusy = true;
      this.listener.onState();
      try {
        this.#trainer ??= startTrainer((reason) => this.#fail(reason));
        await act(this.#trainer);
      } catch (error) {
        undo?.();
        this.#fail(error instanceof Error ? error.message : String(error));
      }
      this.isBusy = false;
      this.isBeginning = false;
      this.listener.onState();
    });
    return this.#turn;
  }

  #fail(reason: string): void {
    this.isPlaying = false;
    this.listener.onProblem(reason);
    this.listener.onState();
  }

  #see(view: View): void {
    this.view = view;
    const divergence = this.measure(view);
    const { value, dReal, dFake } = view.means ?? { value: Number.NaN, dReal: Number.NaN, dFake: Number.NaN };
    const moment = { steps: view.steps, divergence, value: value + Math.log(4), dReal, dFake };
    if (this.moments.at(-1)?.steps !== view.steps) this.moments = remember(this.moments, moment);
    this.listener.onView();
  }

  /** 2·JSD between data and G; NaN for images. */
  measure({ fakes }: View): number {
    const { data } = this.plan;
    if (data.kind === 'line') return 2 * jensenShannon(data.density, pushForward(fakes, LINE), LINE);
    return data.kind === 'plane' ? 2 * comparePoints(data.points, fakes) : Number.NaN;
  }

  #begin(plan: Plan, keep: boolean, undo?: () => void): Promise<void> {
    return this.#inTurn(async (trainer) => {
      this.isBeginning = true;
      this.listener.onState();
      const view = await trainer.begin(plan, keep);
      if (!keep) this.moments = [];
      this.#see(view);
    }, undo);
  }

  /** Begins at step 0. */
  restart(): Promise<void> {
    return this.#begin(this.plan, false);
  }

  /** Changes the rules of the game; the networks stay as they are where that can be. */
  change(changes: Partial<Plan>): Promise<void> {
    const before = this.plan;
    this.plan = { ...before, ...changes };
    const fits = (data: Data): boolean =>
      data.kind !== 'images' || before.data.kind !== 'images' || data.size === before.data.size;
    const isNew = ANEW.some((name) => before[name] !== this.plan[name]) || !fits(this.plan.data);
    return this.#begin(this.plan, !isNew, () => {
      this.plan = before;
      this.listener.onRefusal();
    });
  }

  /** Moves on by one picture. */
  #advance(steps: number): Promise<void> {
    return this.#inTurn(async (trainer) => this.#see(await trainer.advance(steps)));
  }

  async play(): Promise<void> {
    if (this.isPlaying) return;
    this.isPlaying = true;
    this.listener.onState();
    while (this.isPlaying) {
      await this.#advance(this.stepsPerPicture);
      // A page that is not looked at waits here.
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }

  pause(): void {
    this.isPlaying = false;
    this.listener.onState();
  }

  async step(): Promise<void> {
    this.pause();
    await this.#advance(1);
  }

  /** The generator as it stands. */
  async exportFile(): Promise<ExportedFile | undefined> {
    let file: ExportedFile | undefined;
    await this.#inTurn(async (trainer) => {
      file = await trainer.exportFile();
    });
    return file;
  }
}
