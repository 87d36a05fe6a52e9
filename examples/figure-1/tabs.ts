/**
 * Tabs by mouse, keyboard and address (`#plane`), after the pattern of the ARIA Authoring Practices.
 * https://www.w3.org/WAI/ARIA/apg/patterns/tabs/
 */
import { elements } from './elements.js';
import type { Kind } from './messages.js';

const KINDS: readonly Kind[] = ['line', 'plane', 'images'];

/** Calls `open` for the tab of the address, and for every one that is chosen. */
export function bindTabs(open: (kind: Kind) => void): void {
  const select = (kind: Kind, focus: boolean): void => {
    for (const each of KINDS) {
      const tab = elements.tabs[each];
      tab.ariaSelected = String(each === kind);
      tab.tabIndex = each === kind ? 0 : -1;
      if (each === kind) {
        elements.panel.setAttribute('aria-labelledby', tab.id);
        if (focus) tab.focus();
      }
    }
    history.replaceState(null, '', `#${kind}`);
    open(kind);
  };
  KINDS.forEach((kind, i) => {
    elements.tabs[kind].addEventListener('click', () => select(kind, false));
    elements.tabs[kind].addEventListener('keydown', ({ key }) => {
      const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: KINDS.length - 1 }[key];
      if (to !== undefined) select(KINDS.at(to % KINDS.length)!, true);
    });
  });
  const fromAddress = (): Kind => KINDS.find((kind) => location.hash === `#${kind}`) ?? 'line';
  addEventListener('hashchange', () => select(fromAddress(), false));
  select(fromAddress(), false);
}
