declare const qualifiedName: typeof import('../../../src/catalog/names.ts').qualifiedName
declare const quoteIdentifier: typeof import('../../../src/catalog/names.ts').quoteIdentifier
type Rule = import('../../../src/verify/finding/rule.ts').Rule
type Attack = import('../../../src/verify/attack/attack.ts').Attack
declare const ruleCase: typeof import('../../../tests/verify/rule-case.ts').ruleCase
