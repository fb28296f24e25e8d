/** The intersection of a union's members: `A & B` for `A | B`. */
export type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer Every,
) => void
  ? Every
  : never;
