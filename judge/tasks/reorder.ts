/**
 * Reorders the candidates of an example: a judge that compares the images still chooses the same one, a judge with
 * position bias does not.
 */
import { assert, required } from '../../core/assert.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import type { Labels, Order } from '../kinds/kind.ts';
import { kindOf } from '../kinds/table.ts';

const suffix = '#swapped';

/** The example in every order of its kind except the first, which is its own. */
export function otherOrders(example: Example, task: Pick<TaskSpec, 'kind' | 'labels'>): Example[] {
  return kindOf(task)
    .orders.slice(1)
    .map((order) => reordered(example, task.labels, order));
}

/**
 * Permutes the images, keeps the label on the same candidate, and adds `#swapped` to the id (or removes it, so that
 * swapping twice restores the id). The rationale is omitted, because it refers to first and second.
 */
export function reordered(example: Example, labels: Labels, order: Order): Example {
  const { id, images, label } = example;
  assert(images.length === order.length, `${id} has ${images.length} images: they have no order of ${order.length}`);
  assert(labels.includes(label), `${id}: ${label} is not a label of its task`);
  return {
    task: example.task,
    split: example.split,
    fields: example.fields,
    groupKey: example.groupKey,
    id: id.endsWith(suffix) ? id.slice(0, -suffix.length) : id + suffix,
    images: order.map((place) => required(images[place], 'an image at every place')),
    label: required(labels[order.indexOf(labels.indexOf(label))], 'a label for every place'),
  };
}
