/** Prints the devices that the Vulkan loader of this process finds, a line of JSON each. Started by vulkan.ts. */
import koffi from 'koffi';
import type { VulkanDevice } from './vulkan.ts';

const library = koffi.load('libvulkan.so.1');
// Handles are passed as numbers, and structs as bytes.
const createInstance = library.func('int vkCreateInstance(void *info, void *allocator, void *instance)');
const enumerate = library.func('int vkEnumeratePhysicalDevices(uint64_t instance, void *count, void *devices)');
const propertiesOf = library.func('void vkGetPhysicalDeviceProperties(uint64_t device, void *properties)');

const handleByteLength = 8;
/** VK_ERROR_INCOMPATIBLE_DRIVER */
const errorIncompatibleDriver = -9;
const kinds = ['other', 'integrated GPU', 'discrete GPU', 'virtual GPU', 'CPU'] as const;

/** VkInstanceCreateInfo of 64 bytes, empty but for its sType, 1. */
const info = Buffer.alloc(64);
info.writeUInt32LE(1, 0);
const instance = Buffer.alloc(handleByteLength);
require0('vkCreateInstance', createInstance(info, null, instance));
const count = Buffer.alloc(4);
require0('vkEnumeratePhysicalDevices', enumerate(instance.readBigUInt64LE(), count, null));
const devices = Buffer.alloc(handleByteLength * count.readUInt32LE());
require0('vkEnumeratePhysicalDevices', enumerate(instance.readBigUInt64LE(), count, devices));
for (let at = 0; at < devices.length; at += handleByteLength) {
  // VkPhysicalDeviceProperties, 824 bytes: four uint32, the kind, the name of up to 256 bytes.
  const properties = Buffer.alloc(824);
  propertiesOf(devices.readBigUInt64LE(at), properties);
  const name = properties.toString('utf8', 20, properties.indexOf(0, 20));
  const device: VulkanDevice = { name, kind: kinds[properties.readUInt32LE(16)] ?? 'other' };
  process.stdout.write(`${JSON.stringify(device)}\n`);
}
// Leaves the instance to the end of the process: drivers may hang or crash while they are unloaded.
process.exit(0);

function require0(call: string, result: unknown): void {
  if (result === errorIncompatibleDriver) throw new Error('the Vulkan loader finds no driver');
  if (result !== 0) throw new Error(`${call} returned ${String(result)}`);
}
