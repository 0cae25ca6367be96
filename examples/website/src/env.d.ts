declare module "*.d2" {
  const svg: string;
  export default svg;
}
