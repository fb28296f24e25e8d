/**
 * Recipes of before there was more than one algorithm: an arm that says `objective: grpo` means `objective: rl` with
 * `algorithm: grpo`. Users have such recipes, and stores have them in complete form: both are read through here.
 */

type Fields = Readonly<Record<string, unknown>>;

/** The recipe as it would be written today; what is no recipe is left to the schema. */
export function withCurrentNames(recipe: unknown): unknown {
  if (!isFields(recipe) || !isFields(recipe['arms'])) return recipe;
  const arms = Object.entries(recipe['arms']).map(([name, arm]) => [name, withCurrentObjective(arm)]);
  return { ...recipe, arms: Object.fromEntries(arms) as unknown };
}

function withCurrentObjective(arm: unknown): unknown {
  if (!isFields(arm) || arm['objective'] !== 'grpo' || arm['algorithm'] !== undefined) return arm;
  return { ...arm, objective: 'rl', algorithm: 'grpo' };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
