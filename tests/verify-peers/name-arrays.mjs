// node-postgres gives name[] as text, and tenant-guard then stops with an exception. At its best it is to be measured.
import pg from 'pg'

const textArray = pg.types.getTypeParser(1009)
pg.types.setTypeParser(1003, textArray)
