/** The parser's WebAssembly module, below the package's own wrapper, so that a module whose stack overflowed can be replaced. */
declare module "libpg-query/wasm/libpg-query.js" {
  export interface ParserModule {
    readonly HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    getValue(pointer: number, type: "i32"): number;
    _wasm_parse_query_raw(text: number): number;
    _wasm_free_parse_result(result: number): void;
  }
  export default function createParserModule(): Promise<ParserModule>;
}
