// partywall reads files of its own package, so it is not bundled.
export default { serverExternalPackages: ['partywall'] }
