/** The node name of the condition that stands for "an error was caught", in place of the exception handler of a PL/pgSQL body. */
export const CAUGHT_ERROR = 'an error is caught'
