/** One of a few values, side by side. */
interface ChoicesProps<T extends string> {
  readonly name: string;
  readonly values: readonly (readonly [value: T, title: string])[];
  readonly value: T;
  readonly choose: (value: T) => void;
}

export function Choices<T extends string>({ name, values, value, choose }: ChoicesProps<T>) {
  return (
    <div class="choices" role="group" aria-label={name}>
      {values.map(([each, title]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => choose(each)}>
          {title}
        </button>
      ))}
    </div>
  );
}

interface SelectProps {
  readonly name: string;
  readonly values: readonly (readonly [value: string, title: string])[];
  readonly value: string | undefined;
  readonly choose: (value: string) => void;
}

/** One of many. */
export function Select({ name, values, value = '', choose }: SelectProps) {
  return (
    <label class="field">
      <span>{name}</span>
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {values.map(([each, title]) => (
          <option key={each} value={each}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
