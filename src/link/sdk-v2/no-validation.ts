import type { jsonSchemaValidator } from '@modelcontextprotocol/client';

/** Takes the place of the SDK's JSON schema validator. The link never uses the client's typed verbs, which alone would ask it. */
export const noValidation: jsonSchemaValidator = {
  getValidator: () => () => ({
    valid: false,
    data: undefined,
    errorMessage: 'this client does not validate tool output',
  }),
};
