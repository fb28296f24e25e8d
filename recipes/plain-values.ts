/** YAML values as JSON, without shared parts and without loss. */

/** JSON has no NaN and no infinity, and would write null; integers keep all their digits, as text if they are long. */
function withoutLoss(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** Options of the YAML parser under which integers keep their digits. */
export const yamlOptions = { merge: true, intAsBigInt: true } as const;

/** A copy in which YAML aliases share no objects. Throws for circular values. */
export function plainValues(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null, withoutLoss)) as unknown;
}
