import { DataTypes, type Model, type ModelStatic, type Sequelize } from 'sequelize'

/** The example's table of documents. */
export function defineDocuments(db: Sequelize): ModelStatic<Model> {
  return db.define(
    'documents',
    {
      tenant_id: { type: DataTypes.UUID, allowNull: false },
      id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
      project_id: DataTypes.UUID,
      title: { type: DataTypes.TEXT, allowNull: false },
      body: { type: DataTypes.TEXT, allowNull: false, defaultValue: '' },
      created_at: DataTypes.DATE,
    },
    { createdAt: 'created_at', updatedAt: false },
  )
}
