/** All members of a union at once: `A & B` of `A | B`. */
export type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer Every,
) => void
  ? Every
  : never;
