// The Bridge Node as an application in Node meets it. Prints one JSON object of what it saw.
const { createHash } = require("node:crypto");
const { Readable } = require("node:stream");
const { S3, PutObjectCommand, GetObjectCommand, DeleteObjectCommand } = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

const s3 = new S3({
  endpoint: process.env.BRIDGE_URL,
  region: "us-east-1",
  forcePathStyle: true,
  maxAttempts: 1,
  credentials: { accessKeyId: process.env.FB_KEY_ID, secretAccessKey: process.env.FB_SECRET },
});
const Bucket = "a";
const text = async (answer) => answer.Body.transformToString();
const failure = async (call) => {
  try {
    await call;
    return null;
  } catch (fault) {
    return [fault.$metadata?.httpStatusCode ?? null, fault.name];
  }
};

async function story() {
  const seen = {};
  await s3.putObject({ Bucket, Key: "k ü", Body: "hello", ContentType: "text/plain", Metadata: { fbseq: "7" } });
  const got = await s3.getObject({ Bucket, Key: "k ü" });
  seen.put = [await text(got), got.ContentType, got.Metadata];
  seen.range = await text(await s3.getObject({ Bucket, Key: "k ü", Range: "bytes=1-2" }));
  seen.head = (await s3.headObject({ Bucket, Key: "k ü" })).ContentLength;

  await s3.putObject({ Bucket, Key: "empty", Body: "" });
  seen.empty = await text(await s3.getObject({ Bucket, Key: "empty" }));
  await s3.putObject({ Bucket, Key: "stream", Body: Readable.from([Buffer.alloc(70000, "x"), Buffer.alloc(5, "y")]), ContentLength: 70005 });
  seen.stream = createHash("sha256").update(await text(await s3.getObject({ Bucket, Key: "stream" }))).digest("hex");

  seen.once = await failure(s3.putObject({ Bucket, Key: "k ü", Body: "again", IfNoneMatch: "*" }));
  await s3.copyObject({ Bucket, Key: "copy", CopySource: encodeURI("a/k ü") });
  seen.copy = await text(await s3.getObject({ Bucket, Key: "copy" }));

  const upload = new Upload({ client: s3, params: { Bucket, Key: "big", Body: Readable.from([Buffer.alloc(6 << 20, "z")]) }, partSize: 5 << 20 });
  await upload.done();
  seen.multipart = [(await s3.headObject({ Bucket, Key: "big" })).ContentLength, (await s3.headObject({ Bucket, Key: "big" })).ETag.slice(-3)];

  const listed = await s3.listObjectsV2({ Bucket, MaxKeys: 2 });
  const rest = await s3.listObjectsV2({ Bucket, ContinuationToken: listed.NextContinuationToken });
  seen.list = [...listed.Contents, ...rest.Contents].map((entry) => entry.Key);
  seen.buckets = (await s3.listBuckets({})).Buckets.map((bucket) => bucket.Name);

  const signed = async (command, options) => fetch(await getSignedUrl(s3, command, { expiresIn: 60 }), options);
  const target = { Bucket, Key: "signed" };
  seen.signed = [
    (await signed(new PutObjectCommand(target), { method: "PUT", body: "by url" })).status,
    await (await signed(new GetObjectCommand(target))).text(),
    (await signed(new DeleteObjectCommand(target), { method: "DELETE" })).status,
  ];

  await s3.deleteObjects({ Bucket, Delete: { Objects: listed.Contents.map(({ Key }) => ({ Key })) } });
  seen.deleted = (await s3.listObjectsV2({ Bucket })).KeyCount;
  seen.missing = await failure(s3.getObject({ Bucket, Key: "none" }));
  for (const name of ["full403", "full429", "full507"]) {
    seen[name] = await failure(s3.putObject({ Bucket: name, Key: "k", Body: "too much" }));
  }
  return seen;
}

story().then((seen) => console.log(JSON.stringify(seen)));
