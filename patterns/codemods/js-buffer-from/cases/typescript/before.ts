const tea: Buffer = new Buffer("tea" as string);
const cup: Buffer = new Buffer("cup");
