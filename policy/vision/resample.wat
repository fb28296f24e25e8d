;; The kernels of resample.ts over bytes. After a change run:
;;   npx wat2wasm policy/vision/resample.wat -o policy/vision/resample.wasm
;;
;; taps: for each output sample i32 first, i32 pairCount, then for each pair of weights (w0, w1) two pairs of i16: their
;; high parts (w >> 11) and their low 11 bits. A sample is clip((sum of weight * sample + 2^21) >> 22).
;; Sums are exact: separate 16-bit dot products of high and low parts, combined at the end as (high << 11) + low.
(module
  (memory (export "memory") 1)

  ;; Writes outCount RGB pixels for each line.
  (func (export "horizontal")
    (param $source i32) (param $target i32) (param $lineByteLength i32) (param $taps i32) (param $outCount i32)
    (param $lineCount i32)
    (local $end i32) (local $lineEnd i32) (local $weight i32) (local $weightEnd i32) (local $at i32)
    (local $both v128) (local $high v128) (local $low v128)
    (local.set $end (i32.add (local.get $source) (i32.mul (local.get $lineCount) (local.get $lineByteLength))))
    (loop $lines
      (local.set $lineEnd (i32.add (local.get $target) (i32.mul (local.get $outCount) (i32.const 3))))
      (local.set $weightEnd (local.get $taps))
      (loop $pixels
        (local.set $at (i32.add (local.get $source) (i32.mul (i32.load (local.get $weightEnd)) (i32.const 3))))
        (local.set $weight (i32.add (local.get $weightEnd) (i32.const 8)))
        (local.set $weightEnd
          (i32.add (local.get $weight) (i32.shl (i32.load offset=4 (local.get $weightEnd)) (i32.const 3))))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $low (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (loop $pairs
          ;; two pixels, as 16-bit r r g g b b
          (local.set $both
            (i8x16.swizzle
              (v128.load64_zero (local.get $at))
              (v128.const i8x16 0 0x80 3 0x80 1 0x80 4 0x80 2 0x80 5 0x80 0x80 0x80 0x80 0x80)))
          (local.set $high
            (i32x4.add (local.get $high)
              (i32x4.dot_i16x8_s (local.get $both) (v128.load32_splat (local.get $weight)))))
          (local.set $low
            (i32x4.add (local.get $low)
              (i32x4.dot_i16x8_s (local.get $both) (v128.load32_splat offset=4 (local.get $weight)))))
          (local.set $at (i32.add (local.get $at) (i32.const 6)))
          (br_if $pairs
            (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 8))) (local.get $weightEnd))))
        (local.set $both
          (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high) (i32.const 11)) (local.get $low)) (i32.const 22)))
        (local.set $both (i16x8.narrow_i32x4_s (local.get $both) (local.get $both)))
        ;; the fourth byte belongs to the next pixel, which is written next
        (v128.store32_lane 0 (local.get $target) (i8x16.narrow_i16x8_u (local.get $both) (local.get $both)))
        (br_if $pixels
          (i32.lt_u (local.tee $target (i32.add (local.get $target) (i32.const 3))) (local.get $lineEnd))))
      (br_if $lines
        (i32.lt_u (local.tee $source (i32.add (local.get $source) (local.get $lineByteLength))) (local.get $end)))))

  ;; Averages 2x2 RGB pixels into lineCount output lines, four pixels of two lines at a time.
  (func (export "halve")
    (param $source i32) (param $target i32) (param $lineByteLength i32) (param $lineCount i32)
    (local $lineEnd i32) (local $end i32) (local $top v128) (local $bottom v128) (local $even v128) (local $odd v128)
    (local.set $even (v128.const i8x16 0 0x80 1 0x80 2 0x80 6 0x80 7 0x80 8 0x80 0x80 0x80 0x80 0x80))
    (local.set $odd (v128.const i8x16 3 0x80 4 0x80 5 0x80 9 0x80 10 0x80 11 0x80 0x80 0x80 0x80 0x80))
    (local.set $end
      (i32.add (local.get $target) (i32.mul (local.get $lineCount) (i32.shr_u (local.get $lineByteLength) (i32.const 1)))))
    (loop $lines
      (local.set $lineEnd (i32.add (local.get $source) (local.get $lineByteLength)))
      (loop $pixels
        (local.set $top (v128.load (local.get $source)))
        (local.set $bottom (v128.load (i32.add (local.get $source) (local.get $lineByteLength))))
        (local.set $top
          (i16x8.add
            (i16x8.add
              (i8x16.swizzle (local.get $top) (local.get $even))
              (i8x16.swizzle (local.get $top) (local.get $odd)))
            (i16x8.add
              (i8x16.swizzle (local.get $bottom) (local.get $even))
              (i8x16.swizzle (local.get $bottom) (local.get $odd)))))
        (local.set $top
          (i16x8.shr_u (i16x8.add (local.get $top) (v128.const i16x8 2 2 2 2 2 2 2 2)) (i32.const 2)))
        (v128.store64_lane 0 (local.get $target) (i8x16.narrow_i16x8_u (local.get $top) (local.get $top)))
        (local.set $target (i32.add (local.get $target) (i32.const 6)))
        (br_if $pixels
          (i32.lt_u (local.tee $source (i32.add (local.get $source) (i32.const 12))) (local.get $lineEnd))))
      ;; a line with an odd number of pairs was written one pixel too far
      (local.set $target
        (i32.sub (local.get $target) (i32.shr_u (i32.sub (local.get $source) (local.get $lineEnd)) (i32.const 1))))
      (local.set $source (i32.add (local.get $lineEnd) (local.get $lineByteLength)))
      (br_if $lines (i32.lt_u (local.get $target) (local.get $end)))))

  ;; Writes outCount lines of bytes, 16 columns at a time; bytes past the end of a line belong to the next line, which
  ;; is written next.
  (func (export "vertical")
    (param $source i32) (param $target i32) (param $lineByteLength i32) (param $taps i32) (param $outCount i32)
    (local $end i32) (local $column i32) (local $weight i32) (local $weightEnd i32) (local $top i32) (local $at i32)
    (local $a v128) (local $b v128) (local $both v128) (local $high v128) (local $low v128)
    (local $h0 v128) (local $h1 v128) (local $h2 v128) (local $h3 v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (local.set $end (i32.add (local.get $target) (i32.mul (local.get $outCount) (local.get $lineByteLength))))
    (loop $lines
      (local.set $top
        (i32.add (local.get $source) (i32.mul (i32.load (local.get $taps)) (local.get $lineByteLength))))
      (local.set $weightEnd
        (i32.add
          (i32.add (local.get $taps) (i32.const 8))
          (i32.shl (i32.load offset=4 (local.get $taps)) (i32.const 3))))
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $at (i32.add (local.get $top) (local.get $column)))
        (local.set $weight (i32.add (local.get $taps) (i32.const 8)))
        (local.set $h0 (v128.const i32x4 0 0 0 0))
        (local.set $h1 (local.get $h0))
        (local.set $h2 (local.get $h0))
        (local.set $h3 (local.get $h0))
        (local.set $l0 (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $l1 (local.get $l0))
        (local.set $l2 (local.get $l0))
        (local.set $l3 (local.get $l0))
        (loop $pairs
          (local.set $high (v128.load32_splat (local.get $weight)))
          (local.set $low (v128.load32_splat offset=4 (local.get $weight)))
          (local.set $a (v128.load (local.get $at)))
          (local.set $b (v128.load (i32.add (local.get $at) (local.get $lineByteLength))))
          (local.set $both
            (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
          (local.set $b
            (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $a) (local.get $b)))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $both)))
          (local.set $h0 (i32x4.add (local.get $h0) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $l0 (i32x4.add (local.get $l0) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $a (i16x8.extend_high_i8x16_u (local.get $both)))
          (local.set $h1 (i32x4.add (local.get $h1) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $l1 (i32x4.add (local.get $l1) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $b)))
          (local.set $h2 (i32x4.add (local.get $h2) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $l2 (i32x4.add (local.get $l2) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $a (i16x8.extend_high_i8x16_u (local.get $b)))
          (local.set $h3 (i32x4.add (local.get $h3) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $l3 (i32x4.add (local.get $l3) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $at (i32.add (local.get $at) (i32.shl (local.get $lineByteLength) (i32.const 1))))
          (br_if $pairs
            (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 8))) (local.get $weightEnd))))
        (v128.store
          (i32.add (local.get $target) (local.get $column))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $h0) (i32.const 11)) (local.get $l0)) (i32.const 22))
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $h1) (i32.const 11)) (local.get $l1)) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $h2) (i32.const 11)) (local.get $l2)) (i32.const 22))
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $h3) (i32.const 11)) (local.get $l3)) (i32.const 22)))))
        (br_if $columns
          (i32.lt_u (local.tee $column (i32.add (local.get $column) (i32.const 16))) (local.get $lineByteLength))))
      (local.set $taps (local.get $weightEnd))
      (br_if $lines
        (i32.lt_u (local.tee $target (i32.add (local.get $target) (local.get $lineByteLength))) (local.get $end))))))
