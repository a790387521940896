/**
 * Keeps the focus near its place when what has it is removed from the page: a chip, a button of a
 * question, a form that is done. The browser would move it to the top of the page. Whoever uses a
 * pointer does not notice, so this is done after keys only.
 */

import { useEffect } from "react";

const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex]";
/** What has the focus if a whole view was replaced. */
const VIEW = "main";

function isFree(element: HTMLElement): boolean {
  if (element.matches(":disabled, [tabindex='-1'], [type='hidden']")) return false;
  if (element.closest("[inert], [hidden], [aria-hidden='true']") !== null) return false;
  return typeof element.checkVisibility !== "function" || element.checkVisibility();
}

/** What can have the focus in an element, itself among it. */
function focusableIn(element: Element): HTMLElement[] {
  const all = [element, ...element.querySelectorAll(FOCUSABLE)];
  return all.filter((one): one is HTMLElement => {
    return one instanceof HTMLElement && one.matches(FOCUSABLE) && isFree(one);
  });
}

function* siblings(from: Node | null, next: "nextSibling" | "previousSibling"): Generator<Element> {
  for (let node = from; node !== null; node = node[next]) {
    if (node instanceof Element) yield node;
  }
}

/**
 * What comes after a place in an element, else what comes before it, else the same around the
 * element, up to the view.
 */
export function nearest(parent: Element, before: Node | null): HTMLElement | null {
  let [around, place]: [Element, Node | null] = [parent, before];
  while (parent.id !== VIEW && around !== document.body) {
    const after = place === null ? around.firstChild : place.nextSibling;
    for (const element of siblings(after, "nextSibling")) {
      const [first] = focusableIn(element);
      if (first !== undefined) return first;
    }
    for (const element of siblings(place, "previousSibling")) {
      const last = focusableIn(element).at(-1);
      if (last !== undefined) return last;
    }
    if (around.id === VIEW || around.parentElement === null) break;
    // What is around it comes next: first what follows.
    [around, place] = [around.parentElement, around];
  }
  return document.getElementById(VIEW);
}

/** What was before a removed node, and is still there. */
function leftBefore(record: MutationRecord, records: readonly MutationRecord[]): Node | null {
  let place = record.previousSibling;
  while (place !== null && !place.isConnected) {
    const gone = place;
    const other = records.find(({ removedNodes }) => [...removedNodes].includes(gone as ChildNode));
    place = other?.previousSibling ?? null;
  }
  return place;
}

/** Starts to keep the focus. Returns a function that ends it. */
export function keepFocus(): () => void {
  let last: Element | null = null;
  let byKeys = false;
  const ending = new AbortController();
  const always = { capture: true, signal: ending.signal };
  document.addEventListener("keydown", () => (byKeys = true), always);
  document.addEventListener("pointerdown", () => (byKeys = false), always);
  document.addEventListener("focusin", ({ target }) => (last = target as Element), always);
  const removed = (records: readonly MutationRecord[]) => {
    const lost = last;
    if (lost === null || lost.isConnected) return;
    last = null;
    if (!byKeys || document.activeElement !== document.body) return;
    const record = records.find(({ target, removedNodes }) => {
      return target.isConnected && [...removedNodes].some((node) => node.contains(lost));
    });
    // Dialogs are children of the page, and move the focus themselves.
    if (!(record?.target instanceof Element) || record.target === document.body) return;
    nearest(record.target, leftBefore(record, records))?.focus();
  };
  const observer = new MutationObserver(removed);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => {
    ending.abort();
    observer.disconnect();
  };
}

export function useKeptFocus(): void {
  useEffect(keepFocus, []);
}
