import { register } from 'node:module';

// Writes the address of every module that the program imports to the standard error.
register(
  `data:text/javascript,${encodeURIComponent(`
    import { writeSync } from 'node:fs';
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      writeSync(2, found.url + '\\n');
      return found;
    }
  `)}`,
);
