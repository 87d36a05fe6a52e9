/**
 * Several pieces of work under way at once, their results in the order of the pieces. It knows nothing of the work.
 */

/**
 * Starts pieces as results are taken, so that never more than `most` are under way or wait to be taken.
 *
 * @param pieces each starts its work when it is called
 */
export async function* inOrder<T>(
  pieces: Iterable<() => Promise<T>>,
  most: number,
): AsyncGenerator<T, void, void> {
  const underWay: Promise<T>[] = [];
  const take = (): Promise<T> => underWay.shift()!;
  for (const start of pieces) {
    const result = start();
    // Whoever takes it hears of its failure; nobody does when an earlier one has failed.
    result.catch(() => {});
    underWay.push(result);
    if (underWay.length === most) yield await take();
  }
  while (underWay.length > 0) yield await take();
}
