/** Says what is wrong, and throws. */
export type Fail = (problem: string) => never;
