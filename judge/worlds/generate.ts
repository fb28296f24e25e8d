/** The judge world as a data source: generates a dataset's examples with their pixels, in a fixed order. */
import { MtrlError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { JudgeWorldSpec } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import { renderScene } from './render.ts';
import { sketchExample } from './tasks.ts';
import { isWorldTask, worldTaskNames, type WorldPlace } from './world-tasks.ts';

export interface WorldExample {
  /** The example without its image digests, which exist only after encoding. */
  readonly example: Omit<Example, 'images'> & { readonly rationale: string };
  /** RGB bytes [32, 32, 3] of each image, in the order the prompt shows them. */
  readonly pixels: readonly Uint8Array[];
}

function worldExample(place: WorldPlace, spec: JudgeWorldSpec): WorldExample {
  const { seed, task, split, index } = place;
  const rng = new Rng('judge-world', seed, task, split, index);
  const sketch = sketchExample(place, rng, spec.annotator);
  const name = spec.as?.[task] ?? task;
  const id = `${name}/${spec.split}/world-${seed}-${index}`;
  const example = {
    id,
    task: name,
    split: spec.split,
    fields: sketch.caption === undefined ? {} : { caption: sketch.caption.join(' ') },
    label: sketch.label,
    rationale: sketch.rationale.join(' '),
    groupKey: id,
  };
  return { example, pixels: sketch.scenes.map((scene) => renderScene(scene, rng)) };
}

/** Generates `exampleCount` examples per task, task by task. RECIPE_INVALID for a task that the world does not have. */
export function* generateWorldExamples(spec: JudgeWorldSpec): Generator<WorldExample> {
  for (const task of spec.tasks) {
    if (!isWorldTask(task)) {
      throw new MtrlError('RECIPE_INVALID', `the judge world has no task ${task}`, {
        where: 'datasets.tasks',
        found: task,
        hint: `one of ${worldTaskNames.join(', ')}`,
      });
    }
    for (let index = 0; index < spec.exampleCount; index++) {
      yield worldExample({ seed: spec.seed, task, split: spec.split, index }, spec);
    }
  }
}
