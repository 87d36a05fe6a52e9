/**
 * The page: three tabs, one game each, one figure for the tab that is open. It reads the controls, hands them to the
 * game, and shows what comes back.
 */
import { bindControls } from './controls.js';
import { FIRST_SPEED, firstPlan } from './defaults.js';
import { elements, show } from './elements.js';
import { Game } from './game.js';
import type { Kind } from './messages.js';
import { drawEverything, writeLegend } from './show.js';
import { bindTabs } from './tabs.js';

const games = new Map<Kind, Game>();
let open: Game;

function gameOf(kind: Kind): Game {
  const known = games.get(kind);
  if (known) return known;
  const ifOpen = (act: () => void) => () => game === open && act();
  const game: Game = new Game(firstPlan(kind), FIRST_SPEED[kind], {
    onView: ifOpen(() => {
      show(elements.problem, undefined);
      drawEverything(game);
    }),
    onState: ifOpen(() => controls.showState(game)),
    onRefusal: ifOpen(() => controls.showGame(game)),
    onProblem: (reason) => {
      if (game === open) show(elements.problem, reason);
    },
  });
  games.set(kind, game);
  return game;
}

const controls = bindControls(() => open);

function openTab(kind: Kind): void {
  if (open?.kind === kind) return;
  open?.pause();
  open = gameOf(kind);
  show(elements.problem, undefined);
  for (const words of elements.words.querySelectorAll<HTMLElement>('[data-kind]')) {
    words.hidden = words.dataset.kind !== kind;
  }
  elements.panel.dataset.kind = kind;
  writeLegend(kind);
  controls.showGame(open);
  if (open.view) drawEverything(open);
  else void open.restart();
}

bindTabs(openTab);

const redraw = (): void => {
  if (open?.view) drawEverything(open);
};
new ResizeObserver(redraw).observe(elements.figure);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
