const tea: Buffer = new Buffer("tea" as string);
const cup: Buffer = Buffer.from("cup");
