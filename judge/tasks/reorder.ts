/**
 * Reorders the candidates of an example: a judge that compares the images still chooses the same one, a judge with
 * position bias does not.
 */
import { assert, required } from '../../core/assert.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import type { Labels, Order } from '../kinds/kind.ts';
import { placesNamed, rankingLabel } from '../kinds/ranking-label.ts';
import { kindOf } from '../kinds/table.ts';
import { candidatesOf } from './candidates.ts';

const suffix = '#swapped';

/** The orders in which the example is asked, the first of which is its own. */
export function ordersOf(example: Example, task: Pick<TaskSpec, 'kind'>): readonly Order[] {
  return kindOf(task).orders(candidatesOf(example).length);
}

/** The example in every order of its kind except the first, which is its own. */
export function otherOrders(example: Example, task: Pick<TaskSpec, 'kind' | 'labels'>): Example[] {
  const [, ...others] = ordersOf(example, task);
  return others.map((order, i) => reordered(example, task.labels, order, i + 1));
}

/**
 * Permutes the candidates, keeps the label on the same one (a tie stays a tie), and adds `#swapped` to the id of a pair
 * (or removes it, so that swapping twice restores the id), else the number of the order. The rationale is omitted, because
 * it refers to places, and so are the votes, which agreement compares in the order of the row alone.
 */
export function reordered(example: Example, labels: Labels, order: Order, orderIndex = 1): Example {
  const { id, task, split, fields, context, groupKey, label, attributes } = example;
  const count = candidatesOf(example).length;
  assert(count === order.length, `${id} has ${count} candidates: they have no order of ${order.length}`);
  assert(
    placesNamed(label, labels).every((place) => labels.includes(place)),
    `${id}: ${label} is not a label of its task`,
  );
  return {
    ...{ task, split, fields, groupKey, ...(context && { context }) },
    id: reorderedId(id, order, orderIndex),
    ...inOrder(example, labels, order),
    ...(attributes && { attributes }),
  };
}

/** The candidates in this order, and the label of the same choice. */
export function inOrder(
  { images, candidates, label }: Pick<Example, 'images' | 'candidates' | 'label'>,
  labels: Labels,
  order: Order,
): Pick<Example, 'images' | 'candidates' | 'label'> {
  const permuted = <T>(items: readonly T[]): T[] => order.map((place) => required(items[place], 'one at every place'));
  return {
    ...(candidates === undefined ? { images: permuted(images) } : { images, candidates: permuted(candidates) }),
    label: labelInOrder(label, labels, order),
  };
}

function reorderedId(id: string, { length }: Order, orderIndex: number): string {
  if (length > 2) return `${id}#order-${String(orderIndex)}`;
  return id.endsWith(suffix) ? id.slice(0, -suffix.length) : id + suffix;
}

/** The label of the same choice once the candidates are in this order. */
export function labelInOrder(label: string, labels: Labels, order: Order): string {
  return eachPlace(label, labels, (place) => order.indexOf(place));
}

/** The verdict in the order of the row: that of an answer to the example in this order. */
export function verdictInRow(verdict: string, labels: Labels, order: Order): string {
  return eachPlace(verdict, labels, (place) => order[place] ?? -1);
}

/** Replaces each place that a label names; ties name none. */
function eachPlace(label: string, labels: Labels, move: (place: number) => number): string {
  return rankingLabel(placesNamed(label, labels).map((one) => labels[move(labels.indexOf(one))] ?? one));
}
