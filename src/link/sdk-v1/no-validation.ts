import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';

/**
 * Takes the place of the SDK's JSON schema validator, which costs an Ajv per client and can block the process on one bad
 * schema. The link never uses the client's typed verbs, which alone would ask it.
 */
export const noValidation: jsonSchemaValidator = {
  getValidator: () => () => ({
    valid: false,
    data: undefined,
    errorMessage: 'this client does not validate tool output',
  }),
};
