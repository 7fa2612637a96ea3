declare const siem: { send(event: object): void }
declare function count(reason: string): void
