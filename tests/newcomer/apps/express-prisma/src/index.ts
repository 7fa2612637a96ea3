import 'dotenv/config'

const { app } = await import('./app')
app.listen(4000, () => console.log('http://localhost:4000'))
