// The alias of Express 4 has no types of its own; what the tests use is the same in both.
declare module 'express-4' {
  import express from 'express'
  export default express
}
