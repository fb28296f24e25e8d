/** All answers, or the correct or the wrong ones alone. */
import { Choices } from './choices.tsx';

interface RightChoiceProps {
  readonly value: string | undefined;
  readonly choose: (value: string) => void;
}

export function RightChoice({ value = '', choose }: RightChoiceProps) {
  return (
    <Choices
      name="Correct or wrong"
      value={value}
      values={[
        ['', 'all'],
        ['yes', 'correct'],
        ['no', 'wrong'],
      ]}
      choose={choose}
    />
  );
}
